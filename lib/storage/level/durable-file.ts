/** Files beside the databases: written whole or not at all, and there after a power cut (content and directory entry synced, D5). */
import { open, rename } from 'node:fs/promises'
import path from 'node:path'

export async function writeAtomically(file: string, content: Uint8Array): Promise<void> {
  const temporary = `${file}.new`
  await writeDurably(temporary, content)
  await rename(temporary, file)
  await syncDirectory(path.dirname(file))
}

/** The directory entry is not synced by this. */
export async function writeDurably(file: string, content: Uint8Array): Promise<void> {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory; NTFS journals its entries.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
