import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Adds the matchers, and their types.
  test: { setupFiles: ['posthorn/testing/vitest'] },
})
