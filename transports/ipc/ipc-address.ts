/**
 * `ipc:///path` as text and as the path of a local socket; on Windows `ipc:////./pipe/name` for the pipe `\\.\pipe\name`.
 * Before: options, the member list. After: ipc-transport.ts.
 */
import { isAbsolute } from 'node:path'

const SCHEME = 'ipc://'
const PIPE = '\\\\.\\pipe\\'
/** What fits into `sockaddr_un` before its final NUL; longer paths would be cut silently, and so name another socket. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103

export function formatIpcAddress(path: string): string {
  return `${SCHEME}${path.replaceAll('\\', '/')}`
}

/** The path, or undefined for what is no such address. */
export function parseIpcAddress(address: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (!address.startsWith(SCHEME)) return undefined
  const rest = address.slice(SCHEME.length)
  const path = platform === 'win32' ? rest.replaceAll('/', '\\') : rest
  return complaintAboutPath(path, platform) === undefined ? path : undefined
}

/** Undefined when a socket can have this path. */
export function complaintAboutPath(path: unknown, platform: NodeJS.Platform = process.platform): string | undefined {
  if (typeof path !== 'string' || path === '') return 'path must be a text'
  if (path.includes('\0')) return 'path must not contain NUL'
  if (platform === 'win32') {
    return path.startsWith(PIPE) && path.length > PIPE.length ? undefined : `path must begin with ${PIPE}`
  }
  if (!isAbsolute(path) || path.endsWith('/')) return 'path must be absolute and name a file'
  const bytes = Buffer.byteLength(path)
  return bytes <= PATH_BYTES_MAX ? undefined : `path has ${bytes} bytes, a socket's may have ${PATH_BYTES_MAX}`
}
