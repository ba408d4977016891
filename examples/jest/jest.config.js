// Tests in CommonJS need nothing else, nor do those that ts-jest or babel-jest make CommonJS of. Jest runs ES modules with
// `NODE_OPTIONS=--experimental-vm-modules npx jest`.
export default {
  testEnvironment: 'node',
  transform: {},
  setupFilesAfterEnv: ['posthorn/testing/jest'],
}
