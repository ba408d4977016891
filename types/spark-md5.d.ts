// What is used of spark-md5, which brings no types of its own.
declare module 'spark-md5' {
  export interface Md5State {
    /** What does not fill a block yet, as text. */
    buff: string
    /** Octets so far. */
    length: number
    /** The four chaining values, signed. */
    hash: number[]
  }

  class Md5 {
    append(bytes: ArrayBuffer): this
    /** Hexadecimal. */
    end(): string
    getState(): Md5State
    setState(state: Md5State): this
  }

  const SparkMD5: { readonly ArrayBuffer: typeof Md5 }
  export default SparkMD5
}
