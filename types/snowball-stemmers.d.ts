// What is used of snowball-stemmers, which brings no types.
declare module 'snowball-stemmers' {
  interface Stemmer {
    stem(word: string): string
  }
  interface Snowball {
    newStemmer(algorithm: string): Stemmer
  }
  const snowball: Snowball
  export default snowball
}
