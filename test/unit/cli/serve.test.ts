/**
 * `vivarium serve` as an operator runs it: a process of its own, a file, a signal. A raw client judges it; zkCli and kazoo too, where they are installed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { OpCode } from '../../../lib/jute/op-codes.js'
import * as records from '../../../lib/jute/records.js'
import { RunningProgram } from '../../examples/running-program.js'
import { freePorts } from '../../helpers/free-ports.js'
import { bodyOf, WireClient, word } from '../../helpers/wire-client.js'

const MAIN = fileURLToPath(new URL('../../../lib/cli/main.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const ZKCLI = '/usr/share/zookeeper/bin/zkCli.sh'
const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]

describe('vivarium serve', function () {
  this.timeout(60_000)
  let folder: string
  const running: RunningProgram[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vivarium-serve-'))
  })
  afterEach(async () => {
    for (const program of running.splice(0)) await program.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  function serve(name: string, ...lines: string[]): RunningProgram {
    const file = join(folder, name)
    writeFileSync(file, lines.join('\n'))
    const program = new RunningProgram(process.execPath, ['--import', 'tsx', MAIN, 'serve', file], { cwd: ROOT })
    running.push(program)
    return program
  }

  async function serving(port: number): Promise<void> {
    const deadline = Date.now() + 30_000
    while (!(await word(port, 'srvr')).includes('Mode: ')) {
      if (Date.now() > deadline) throw new Error('does not serve')
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  const create = (path: string) => ({ path, data: Buffer.from('x'), acl: open, flags: 0 })

  it('serves from a file of three lines, says what it ignores, ends with 0 on SIGTERM and keeps its data', async () => {
    const [port] = await freePorts(1)
    const lines = [
      'tickTime=200',
      `dataDir=${join(folder, 'data')}`,
      `clientPort=${port}`,
      'clientPortAddress=127.0.0.1',
    ]
    const first = serve('zoo.cfg', ...lines, 'autopurge.purgeInterval=1', 'audit.enable=true')
    await serving(port!)
    const client = await WireClient.connect(port!)
    expect((await client.ask(OpCode.create, records.createRequest, create('/kept'))).err).to.equal(0)
    first.signal('SIGTERM')
    expect(await first.ended).to.deep.equal({ code: 0, signal: null })
    expect(first.lines.join('\n')).to.include(`peer 1: clients at 127.0.0.1:${port}, standalone`)
    expect(first.lines.join('\n')).to.match(/autopurge\.purgeInterval: has no meaning here/)
    for (const operation of ['serverStart', 'create', 'serverStop'])
      expect(first.lines.join('\n')).to.match(new RegExp(`audit \\{[^}]*operation: '${operation}'`))

    serve('zoo.cfg', ...lines)
    await serving(port!)
    const again = await WireClient.connect(port!)
    const answer = await again.ask(OpCode.getData, records.watchRequest, { path: '/kept', watch: false })
    expect(Buffer.from(bodyOf(answer, records.dataResponse).data!).toString()).to.equal('x')
  })

  it('serves from the lines that the README shows', async () => {
    const [port] = await freePorts(1)
    const shown = /```sh\n(echo [^`]*serve[^`]*)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? ''
    expect(shown.split('\n').filter(line => line !== '')).to.have.length(5)
    const lines = [...shown.matchAll(/echo '([^']*)'/g)].map(([, line]) => line!)
    const here = lines.map(line => line.replace('./data', join(folder, 'data')).replace('2181', String(port)))
    expect(here).to.not.deep.equal(lines)
    serve('zoo.cfg', ...here, 'clientPortAddress=127.0.0.1')
    await serving(port!)
  })

  it('serves as one of three, each with its myid; the data are those of the ensemble', async () => {
    const ports = await freePorts(6)
    const servers = [1, 2, 3].map(id => `server.${id}=127.0.0.1:${ports[id - 1]}:3888`)
    for (const id of [1, 2, 3]) {
      const dataDir = join(folder, String(id))
      mkdirSync(dataDir)
      writeFileSync(join(dataDir, 'myid'), `${id}\n`)
      const clients = [`clientPort=${ports[id + 2]}`, 'clientPortAddress=127.0.0.1']
      serve(`${id}.cfg`, 'tickTime=200', 'initLimit=20', 'syncLimit=20', `dataDir=${dataDir}`, ...clients, ...servers)
    }
    await Promise.all([3, 4, 5].map(at => serving(ports[at]!)))
    const [one, two] = [await WireClient.connect(ports[3]!), await WireClient.connect(ports[4]!)]
    await one.ask(OpCode.create, records.createRequest, create('/shared'))
    await two.ask(OpCode.sync, records.syncRequest, { path: '/' })
    expect((await two.ask(OpCode.exists, records.watchRequest, { path: '/shared', watch: false })).err).to.equal(0)
    const modes = await Promise.all([3, 4, 5].map(at => word(ports[at]!, 'srvr')))
    expect(modes.map(text => /Mode: (\w+)/.exec(text)?.[1]).sort()).to.deep.equal(['follower', 'follower', 'leader'])
  })

  it('ends with 1, and a line that says why, when the file is missing or makes no sense', async () => {
    for (const program of [
      serve('bad.cfg', 'tickTime=soon'),
      serve('worse.cfg', 'dataDir=:memory:', 'clientPort=-5'),
    ]) {
      expect((await program.ended).code).to.equal(1)
      expect(program.lines.join('\n')).to.include('BAD_OPTIONS')
    }
  })

  describe('to clients that others have written', () => {
    let port: number

    beforeEach(async () => {
      const ports = await freePorts(1)
      port = ports[0]!
      const lines = ['tickTime=2000', 'dataDir=:memory:', `clientPort=${port}`, 'clientPortAddress=127.0.0.1']
      serve('zoo.cfg', ...lines, '4lw.commands.whitelist=*')
      await serving(port)
    })

    it('zkCli creates, reads, changes and deletes', async function () {
      if (!existsSync(ZKCLI)) {
        console.log(`      skipped: ${ZKCLI} is not there: apt-get install zookeeper`)
        this.skip()
      }
      const commands = [
        'create /hello world',
        'get -s /hello',
        'create -s /hello/n- 1',
        'create -e /mine',
        'create -c /container',
        'set /hello again',
        'get /hello',
        'ls -R /',
        'getAcl /hello',
        'getEphemerals',
        'getAllChildrenNumber /',
        'deleteall /hello',
        'ls /',
        'quit',
      ]
      const zkCli = spawn(ZKCLI, ['-waitforconnection', '-server', `127.0.0.1:${port}`])
      let said = ''
      for (const stream of [zkCli.stdout, zkCli.stderr]) stream.on('data', part => (said += part))
      zkCli.stdin.end(`${commands.join('\n')}\n`)
      await new Promise(resolve => zkCli.once('exit', resolve))
      for (const expected of [
        'Created /hello',
        'world',
        'dataVersion = 0',
        'Created /hello/n-0000000000',
        'Created /mine',
        'Created /container',
        'again',
        "'world,'anyone\n: cdrwa",
        '[/mine]',
        '[container, mine, zookeeper]',
      ])
        expect(said).to.include(expected)
      expect(said).to.not.include('KeeperErrorCode')
    })

    it('kazoo has sessions, watches, transactions and a lock', function () {
      // The distribution's first: that is where its package lies.
      const python = ['/usr/bin/python3', 'python3'].find(each => spawnSync(each, ['-c', 'import kazoo']).status === 0)
      if (python === undefined) {
        console.log('      skipped: kazoo is not there: apt-get install python3-kazoo')
        return this.skip()
      }
      const program = `
from kazoo.client import KazooClient
zk = KazooClient(hosts='127.0.0.1:${port}', auth_data=[('digest', 'alice:secret')])
zk.start(timeout=10)
zk.ensure_path('/app/config')
seen = []
zk.DataWatch('/app/config')(lambda data, stat: seen.append((data, stat.version)))
zk.set('/app/config', b'one')
t = zk.transaction()
t.create('/app/a', b'1')
t.check('/app/config', 1)
t.set_data('/app/config', b'two')
print([getattr(r, 'version', r) for r in t.commit()])
with zk.Lock('/app/lock', 'me'):
    print(len(zk.get_children('/app/lock')))
from kazoo.security import make_digest_acl
zk.create('/app/secret', b'x', acl=[make_digest_acl('alice', 'secret', all=True)])
print(zk.get('/app/secret')[0], zk.server_version())
t = zk.transaction()
t.delete('/app/none')
print([type(r).__name__ for r in t.commit()])
zk.delete('/app', recursive=True)
import time
deadline = time.time() + 10
while len(seen) < 4 and time.time() < deadline: time.sleep(0.01)
print([data for data, _ in [(d, 0) for d, s in seen[:3]]])
zk.stop()
`.replace(
        'lambda data, stat: seen.append((data, stat.version))',
        'lambda data, stat: seen.append((data, stat and stat.version))',
      )
      const { status, stdout, stderr } = spawnSync(python, ['-c', program], { encoding: 'utf8', timeout: 40_000 })
      expect([status, stderr]).to.deep.equal([0, ''])
      expect(stdout.split('\n')).to.deep.equal([
        "['/app/a', True, 2]",
        '1',
        "b'x' (3, 9, 5)",
        "['NoNodeError']",
        "[b'', b'one', b'two']",
        '',
      ])
    })
  })
})
