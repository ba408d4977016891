// Jest runs ES modules with `NODE_OPTIONS=--experimental-vm-modules npx jest`.
export default {
  testEnvironment: 'node',
  transform: {},
  setupFilesAfterEnv: ['posthorn/testing/jest'],
}
