/**
 * A process under strace, and what it did to one directory: every file operation with the moments of its call and of its return, which
 * strace writes in the order in which they happened. Several threads share one table of file descriptors, so a call may return after
 * others have begun.
 * A call that could change the directory in a way this does not know ends the test: the recording would be wrong without a word.
 */
import { execFile, spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

/** `begin` and `end` are places in the recording; `end` is after the return of the call. */
export type Operation = { readonly begin: number; readonly end: number } & (
  | {
      readonly kind: 'open'
      readonly path: string
      readonly fd: number
      readonly create: boolean
      readonly truncate: boolean
    }
  | { readonly kind: 'close'; readonly fd: number }
  /** Without an offset: where the last one ended. */
  | { readonly kind: 'write'; readonly fd: number; readonly data: Buffer; readonly offset: number | undefined }
  | { readonly kind: 'sync'; readonly fd: number }
  | { readonly kind: 'truncate'; readonly fd: number; readonly size: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'unlink' | 'rmdir' | 'mkdir'; readonly path: string }
)

const CALLS =
  'open,openat,creat,close,write,writev,pwrite64,pwritev,fsync,fdatasync,ftruncate,truncate,fallocate,rename,renameat,renameat2,' +
  'unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat,mmap,copy_file_range,sendfile,sync_file_range,' +
  'clone,clone3,fork,vfork'

/** Why this machine cannot record, or undefined. */
export function cannotRecord(): string | undefined {
  if (process.platform !== 'linux') return 'strace is for Linux only'
  const { error, status, stderr } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (error !== undefined) return 'strace is not installed'
  return status === 0 ? undefined : `strace may not trace here: ${stderr.trim()}`
}

export async function record(traceFile: string, command: readonly string[]): Promise<void> {
  const options = [
    '-f',
    '--seccomp-bpf',
    '-xx',
    '-s',
    String(1 << 26),
    '-e',
    `trace=${CALLS}`,
    '-e',
    'signal=none',
    '-o',
    traceFile,
  ]
  // libuv may do file operations by io_uring, where nobody sees them.
  const env = { ...process.env, UV_USE_IO_URING: '0' }
  await promisify(execFile)('strace', [...options, ...command], { env, maxBuffer: 1 << 24 })
}

/** What the first process of the recording did to `root` and what lies under it, in order. */
export async function readTrace(traceFile: string, root: string): Promise<Operation[]> {
  const linesOf = () => createInterface({ input: createReadStream(traceFile, { highWaterMark: 1 << 20 }) })
  const others = new OtherProcesses()
  for await (const line of linesOf()) others.line(line)
  const reader = new TraceReader(root, others.found())
  for await (const line of linesOf()) reader.line(line)
  return reader.operations()
}

/** Threads that are not of the first process (the compiler of the sources is one): their descriptors are other files. */
class OtherProcesses {
  readonly #parents = new Map<string, { readonly parent: string; readonly sameProcess: boolean }>()
  readonly #calls = new Map<string, string>()

  line(line: string): void {
    if (!/^\d+ +(<\.\.\. )?(clone|clone3|fork|vfork)\b/.test(line)) return
    const thread = line.slice(0, line.indexOf(' '))
    const text = (this.#calls.get(thread) ?? '') + line
    this.#calls.delete(thread)
    const result = / = (\d+)$/.exec(line)
    if (result === null) this.#calls.set(thread, text)
    else this.#parents.set(result[1]!, { parent: thread, sameProcess: text.includes('CLONE_THREAD') })
  }

  found(): Set<string> {
    const other = (thread: string): boolean => {
      const made = this.#parents.get(thread)
      return made !== undefined && (!made.sameProcess || other(made.parent))
    }
    return new Set([...this.#parents.keys()].filter(other))
  }
}

const CALL = /^(\d+) +(\w+)\((.*)$/
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/
const UNFINISHED = ' <unfinished ...>'

class TraceReader {
  readonly #root: string
  readonly #others: ReadonlySet<string>
  readonly #found: Operation[] = []
  /** By thread: the call under way. */
  readonly #unfinished = new Map<string, { begin: number; call: string; text: string }>()
  /** Descriptors of files under the root. */
  readonly #fds = new Set<number>()
  #at = 0

  constructor(root: string, others: ReadonlySet<string>) {
    this.#root = root
    this.#others = others
  }

  /** In the order in which they take effect on the table of descriptors: a number is free from the begin of its close. */
  operations(): Operation[] {
    const placeOf = ({ kind, begin, end }: Operation) => (kind === 'open' ? end : begin)
    return this.#found.sort((a, b) => placeOf(a) - placeOf(b))
  }

  line(line: string): void {
    this.#at++
    if (this.#others.has(line.slice(0, line.indexOf(' ')))) return
    const resumed = RESUMED.exec(line)
    if (resumed !== null) {
      const [, thread, , rest] = resumed as unknown as [string, string, string, string]
      const { begin, call, text } = this.#unfinished.get(thread)!
      this.#unfinished.delete(thread)
      this.#called(begin, call, text + rest)
      return
    }
    const called = CALL.exec(line)
    if (called === null) return
    const [, thread, call, rest] = called as unknown as [string, string, string, string]
    if (!rest.endsWith(UNFINISHED)) return this.#called(this.#at, call, rest)
    const text = rest.slice(0, -UNFINISHED.length)
    this.#unfinished.set(thread, { begin: this.#at, call, text })
    // From here on the number may be another thread's.
    if (call === 'close') this.#fds.delete(Number.parseInt(text, 10))
  }

  #called(begin: number, call: string, text: string): void {
    // Strings are hexadecimal, so the last sign of equality is before the result.
    const split = text.lastIndexOf('= ')
    const result = Number.parseInt(text.slice(split + 2), 10)
    const all = text.slice(0, split).trimEnd().slice(0, -1)
    if (!(result >= 0)) return
    const place = { begin, end: this.#at }
    const fd = Number.parseInt(all, 10)
    switch (call) {
      case 'open':
      case 'openat':
      case 'creat': {
        const path = stringsOf(all)[0]!.toString()
        if (!this.#inside(path)) return
        const flags = call === 'creat' ? 'O_CREAT|O_TRUNC' : all.slice(all.lastIndexOf('"'))
        if (flags.includes('O_APPEND')) throw new Error(`${path} opened with O_APPEND`)
        this.#fds.add(result)
        const [create, truncate] = [flags.includes('O_CREAT'), flags.includes('O_TRUNC')]
        this.#found.push({ ...place, kind: 'open', path, fd: result, create, truncate })
        return
      }
      case 'close':
        if (begin === this.#at) this.#fds.delete(fd)
        this.#found.push({ ...place, kind: 'close', fd })
        return
      case 'write':
      case 'pwrite64': {
        if (!this.#fds.has(fd)) return
        const data = stringsOf(all)[0]!.subarray(0, result)
        if (data.length !== result) throw new Error(`the recording of a write of ${result} bytes has ${data.length}`)
        const offset = call === 'write' ? undefined : Number(all.slice(all.lastIndexOf(',') + 1))
        this.#found.push({ ...place, kind: 'write', fd, data, offset })
        return
      }
      case 'fsync':
      case 'fdatasync':
        if (this.#fds.has(fd)) this.#found.push({ ...place, kind: 'sync', fd })
        return
      case 'ftruncate':
        if (!this.#fds.has(fd)) return
        this.#found.push({ ...place, kind: 'truncate', fd, size: Number(all.slice(all.lastIndexOf(',') + 1)) })
        return
      case 'rename':
      case 'renameat':
      case 'renameat2': {
        const [path, to] = stringsOf(all).map(String) as [string, string]
        if (this.#inside(path) || this.#inside(to)) this.#found.push({ ...place, kind: 'rename', path, to })
        return
      }
      case 'unlink':
      case 'unlinkat':
      case 'rmdir':
      case 'mkdir':
      case 'mkdirat': {
        const path = stringsOf(all)[0]!.toString()
        if (!this.#inside(path)) return
        const kind = call.startsWith('mkdir')
          ? 'mkdir'
          : call === 'rmdir' || all.includes('AT_REMOVEDIR')
            ? 'rmdir'
            : 'unlink'
        this.#found.push({ ...place, kind, path })
        return
      }
      case 'mmap':
        if (!all.includes('PROT_WRITE') || !all.includes('MAP_SHARED') || !this.#fds.has(Number(all.split(', ')[4])))
          return
        throw new Error('a file is written by mmap, which the recording does not see')
      default:
        if (this.#fds.has(fd) || stringsOf(all).some(path => this.#inside(path.toString()))) {
          throw new Error(`the recording does not know ${call}(${all.slice(0, 100)})`)
        }
    }
  }

  #inside(path: string): boolean {
    return path === this.#root || path.startsWith(`${this.#root}/`)
  }
}

/** The strings in the arguments, each written as "\x2f\x74…". */
function stringsOf(text: string): Buffer[] {
  return text
    .split('"')
    .filter((_, at) => at % 2 === 1)
    .map(hex => Buffer.from(hex.replaceAll('\\x', ''), 'hex'))
}
