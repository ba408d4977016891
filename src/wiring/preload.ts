// What a catcher loads when it starts, loaded beforehand: a program that starts many of them, as tests do, waits once, when it is loaded
// itself, and each start takes milliseconds.

/** Resolves when all is loaded; starts nothing. */
export async function preloadCatcher(): Promise<void> {
  await Promise.all([
    import('../store/sqlite/index.ts'),
    import('./catcher.ts'),
    import('../smtp/server/service.ts'),
    import('../net/resolver.ts'),
    import('../net/resolv-conf.ts'),
  ])
}
