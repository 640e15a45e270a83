/**
 * What the four-letter words `envi` and `mntr` tell of this process and its machine, which no port of the host offers: it is shown and decides nothing.
 * Used by server-report.ts. Semantics §24.
 */
import { readdir, readFile } from 'node:fs/promises'
import { freemem, homedir, hostname, release, totalmem, type, userInfo } from 'node:os'

/** Files and sockets that are open, and how many may be. Undefined where the system does not tell: only Linux does, in /proc. */
export async function openDescriptors(): Promise<{ readonly open: number; readonly max: number } | undefined> {
  try {
    const [open, limits] = await Promise.all([readdir('/proc/self/fd'), readFile('/proc/self/limits', 'utf8')])
    const max = /^Max open files +(\d+)/m.exec(limits)?.[1]
    return max === undefined ? undefined : { open: open.length, max: Number(max) }
  } catch {
    return undefined
  }
}

/** As `name=value`, by ZooKeeper's names where it has one. */
export function processEnvironment(): readonly string[] {
  return [
    `host.name=${hostname()}`,
    `node.version=${process.versions.node}`,
    `os.name=${type()}`,
    `os.arch=${process.arch}`,
    `os.version=${release()}`,
    `user.name=${userName()}`,
    `user.home=${homedir()}`,
    `user.dir=${process.cwd()}`,
    `os.memory.free=${mebibytes(freemem())}`,
    `os.memory.max=${mebibytes(totalmem())}`,
    `os.memory.total=${mebibytes(process.memoryUsage.rss())}`,
  ]
}

/** The account may have no name: in a container, for one. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? '')
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}MB`
}
