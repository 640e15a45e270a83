import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { hasCode } from '../../../lib/model/errors.js'
import type { Transport } from '../../../lib/transport/transport.js'
import { ipc } from '../../../transports/ipc/index.js'
import { formatIpcAddress, parseIpcAddress } from '../../../transports/ipc/ipc-address.js'
import { transportCompliance } from '../../compliance/transport.js'

const posixOnly = process.platform !== 'win32'
const root = mkdtempSync(join(tmpdir(), 'viv-'))
after(() => rmSync(root, { recursive: true, force: true }))

const pathOf = (address: string) => parseIpcAddress(address)!
let count = 0
const freshPath = () =>
  posixOnly ? join(root, 'sockets', `${++count}.sock`) : `\\\\.\\pipe\\vivarium-${process.pid}-${++count}`

transportCompliance('ipc', () => ({
  create: () => ipc({ path: freshPath() }),
  createAt: taken => ipc({ path: pathOf(taken.address) }),
  nobody: () => formatIpcAddress(freshPath()),
  raw: async address => {
    const socket = connect({ path: pathOf(address) })
    await once(socket, 'connect')
    return socket
  },
}))

describe('ipc transport', () => {
  let opened: Transport[] = []
  afterEach(async () => {
    await Promise.all(opened.map(transport => transport.close()))
    opened = []
  })
  const make = (path: string) => {
    const transport = ipc({ path })
    opened.push(transport)
    return transport
  }
  const listenFails = async (path: string, code: 'BAD_OPTIONS' | 'PORT_IN_USE') => {
    const error: unknown = await make(path)
      .listen(() => undefined)
      .catch(caught => caught)
    expect(hasCode(error, code), String(error)).to.equal(true)
  }

  if (posixOnly) {
    it('makes a socket with mode 0600 in a directory with mode 0700, and removes the socket at close', async () => {
      const path = join(root, 'made', 'deep', 'one.sock')
      const transport = make(path)
      await transport.listen(() => undefined)
      expect(lstatSync(path).mode & 0o777).to.equal(0o600)
      expect(lstatSync(join(root, 'made', 'deep')).mode & 0o777).to.equal(0o700)
      await transport.close()
      expect(existsSync(path)).to.equal(false)
    })

    it('refuses a directory that others can enter', async () => {
      const directory = join(root, 'open')
      mkdirSync(directory)
      chmodSync(directory, 0o755)
      await listenFails(join(directory, 'one.sock'), 'BAD_OPTIONS')
    })

    it('replaces the dead socket of a process that was killed', async () => {
      const path = freshPath()
      killedListener(path)
      expect(lstatSync(path).isSocket()).to.equal(true)
      await make(path).listen(() => undefined)
    })

    it('lets one of many win that find the same dead socket', async () => {
      const path = freshPath()
      killedListener(path)
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => make(path).listen(() => undefined)))
      expect(results.filter(each => each.status === 'fulfilled')).to.have.length(1)
      for (const each of results) {
        if (each.status === 'rejected') expect(hasCode(each.reason, 'PORT_IN_USE'), String(each.reason)).to.equal(true)
      }
      const near = await make(freshPath()).dial(formatIpcAddress(path), { signal: new AbortController().signal })
      near.start({ frame() {}, closed() {}, drained() {} })
    })

    it('touches nothing at its path that is not a dead socket: a file, a directory, a symbolic link', async () => {
      mkdirSync(join(root, 'guarded'), { mode: 0o700 })
      const file = join(root, 'guarded', 'file')
      writeFileSync(file, 'precious')
      await listenFails(file, 'BAD_OPTIONS')
      const link = join(root, 'guarded', 'link')
      symlinkSync(file, link)
      await listenFails(link, 'BAD_OPTIONS')
      const directory = join(root, 'guarded', 'directory')
      mkdirSync(directory)
      await listenFails(directory, 'BAD_OPTIONS')
      expect(existsSync(file) && existsSync(link) && existsSync(directory)).to.equal(true)
    })

    it('does not dial what is not a socket', async () => {
      const file = join(root, 'file')
      writeFileSync(file, '')
      const error: unknown = await make(freshPath())
        .dial(formatIpcAddress(file), { signal: new AbortController().signal })
        .catch(caught => caught)
      expect(hasCode(error, 'TRANSPORT_FAILED')).to.equal(true)
    })
  }

  it('complains about paths that cannot be, all at once with unknown options', () => {
    for (const path of ['', 'relative.sock', `/${'x'.repeat(200)}`, '/a\0b', '/directory/', undefined]) {
      expect(() => ipc({ path: path as string, pth: 1 } as never), String(path)).to.throw(/BAD_OPTIONS.*pth.*path/)
    }
  })

  it('reads and writes addresses of pipes', () => {
    expect(formatIpcAddress('\\\\.\\pipe\\zoo-1')).to.equal('ipc:////./pipe/zoo-1')
    expect(parseIpcAddress('ipc:////./pipe/zoo-1', 'win32')).to.equal('\\\\.\\pipe\\zoo-1')
    expect(parseIpcAddress('ipc:///run/zoo.sock', 'win32')).to.equal(undefined)
    expect(parseIpcAddress('ipc:///run/zoo.sock', 'linux')).to.equal('/run/zoo.sock')
  })
})

/** Leaves behind what a killed process leaves behind. */
function killedListener(path: string): void {
  mkdirSync(join(root, 'sockets'), { recursive: true, mode: 0o700 })
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', code])
}
