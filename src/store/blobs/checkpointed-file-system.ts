// A disk that tells of each step of a message's file, for tests that stop the process there (`src/base/checkpoint.ts`).
// Each step is told when it is done.
import type { Checkpoint, CheckpointName } from '../../base/checkpoint.ts'
import type { FileSystem } from './file-system.ts'

/** The same disk, with `checkpoint` called after each step that writes. */
export function checkpointedFileSystem(disk: FileSystem, checkpoint: Checkpoint): FileSystem {
  const told = async <T>(name: CheckpointName, step: Promise<T>): Promise<T> => {
    const result = await step
    checkpoint(name)
    return result
  }
  return {
    ...disk,
    async create(path) {
      const file = await told('blob.created', disk.create(path))
      return {
        write: (bytes) => told('blob.written', file.write(bytes)),
        sync: () => told('blob.synced', file.sync()),
        close: () => told('blob.closed', file.close()),
      }
    },
    makeFolder: (path) => told('blob.folder-made', disk.makeFolder(path)),
    syncFolder: (path) => told('blob.folder-synced', disk.syncFolder(path)),
  }
}
