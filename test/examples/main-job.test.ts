/** `npm start` as a user without a terminal meets it: plain lines, signals, an exit code. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { builtFile, root } from './built.js'
import { freeBasePort } from './free-ports.js'
import { RunningProgram } from './running-program.js'

describe('npm start', function () {
  this.timeout(120_000)
  let folder: string
  let config: string
  let basePort: number
  const started: RunningProgram[] = []

  /** Without `prestart`: the build is that of this test run. */
  const start = (...args: string[]): RunningProgram => {
    const options = ['--data', join(folder, 'data'), '--config', config, '--port', String(basePort), ...args]
    const program = new RunningProgram('npm', ['start', '--ignore-scripts', '--', ...options], { cwd: root })
    started.push(program)
    return program
  }
  const edit = (file: string, from: string, to: string): void => {
    const text = readFileSync(join(config, file), 'utf8')
    expect(text).to.include(from)
    writeFileSync(join(config, file), text.replace(from, to))
  }
  const everyMember = (program: RunningProgram, text: string, members = [1, 2, 3]) =>
    Promise.all(members.map(id => program.line(new RegExp(`member ${id}  ${text}`))))

  before(async () => {
    builtFile('examples', 'main-job', 'main.js')
    folder = mkdtempSync(join(tmpdir(), 'vivarium-'))
    config = join(folder, 'config')
    cpSync(join(root, 'examples', 'config'), config, { recursive: true })
    basePort = await freeBasePort(3)
  })

  afterEach(() => Promise.all(started.splice(0).map(program => program.kill())))
  after(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('shows an edited file on every member, loses its leader to kill -9 and carries on, takes the killed one back, ends on SIGINT', async () => {
    const program = start('--for', '110s')
    const [, supervisor] = await program.line(/restart from elsewhere: kill -USR2 (\d+)/)
    await everyMember(program, 'configuration: \\d+ values')
    await everyMember(program, 'members: 1, 2, 3')

    edit('gateway/limits.json', '"burst": 100', '"burst": 150')
    await everyMember(program, '/config/gateway/limits.json: perClient.burst 100 -> 150  zxid 0x[0-9a-f]+, \\d+ ms')
    edit('gateway/limits.json', '"burst": 150', '"burst": 175')
    await everyMember(program, '/config/gateway/limits.json: perClient.burst 150 -> 175')

    const leaders = program.lines.flatMap(line => /leader (\d): kill -9 (\d+)/.exec(line) ?? [])
    const [, leader, pid] = leaders.slice(-3)
    const survivors = [1, 2, 3].filter(id => id !== Number(leader))
    const killedAt = program.lines.length
    process.kill(Number(pid), 'SIGKILL')
    await program.line(new RegExp(`member ${leader}  is gone: SIGKILL`), killedAt)
    await program.line(new RegExp(`leader [${survivors.join('')}]: kill -9`), killedAt)
    edit('logging.json', '"info"', '"debug"')
    await everyMember(program, '/config/logging.json: level "info" -> "debug"', survivors)

    const restartedAt = program.lines.length
    process.kill(Number(supervisor), 'SIGUSR2')
    await program.line(new RegExp(`member ${leader}  starts again on the data it left`), restartedAt)
    await program.line(new RegExp(`member ${leader}  following .* pid \\d+$`), restartedAt)
    await program.line(new RegExp(`member ${leader}  members: 1, 2, 3`), restartedAt)
    rmSync(join(config, 'logging.json'))
    await everyMember(program, '/config/logging.json: deleted')

    process.kill(Number(supervisor), 'SIGINT')
    expect(await program.ended, program.lines.join('\n')).to.deep.equal({ code: 0, signal: null })
    expect(program.lines.at(-1)).to.match(/ended$/)
  })

  it('survives a leader that stands still: another leads, every member opens a session again', async () => {
    const program = start('--for', '110s')
    await everyMember(program, 'members: 1, 2, 3')
    const [, leader, pid] = await program.line(/leader (\d): kill -9 (\d+)/)
    const survivors = [1, 2, 3].filter(id => id !== Number(leader))
    const frozenAt = program.lines.length
    process.kill(Number(pid), 'SIGSTOP')
    try {
      await program.line(new RegExp(`leader [${survivors.join('')}]: kill -9`), frozenAt)
    } finally {
      process.kill(Number(pid), 'SIGCONT')
    }
    await program.line(new RegExp(`member ${leader}  session over: SESSION_EXPIRED`), frozenAt)
    await program.line(new RegExp(`member ${leader}  following .* pid \\d+$`), frozenAt)
    await Promise.all([1, 2, 3].map(id => program.line(new RegExp(`member ${id}  members: 1, 2, 3`), frozenAt)))
    expect(program.lines.filter(line => line.includes('session over')).length).to.be.at.most(6)
    const [, supervisor] = await program.line(/kill -USR2 (\d+)/)
    process.kill(Number(supervisor), 'SIGTERM')
    expect(await program.ended, program.lines.join('\n')).to.deep.equal({ code: 0, signal: null })
  })

  it('works again on the data it left, and ends by itself', async () => {
    const program = start('--for', '8s')
    const loaded = await everyMember(program, 'configuration: (\\d+) values')
    expect(loaded.map(([, count]) => count)).to.deep.equal(['5', '5', '5'])
    expect(await program.ended, program.lines.join('\n')).to.deep.equal({ code: 0, signal: null })
    const epochs = program.lines.flatMap(line => /leading +epoch (\d+)/.exec(line)?.[1] ?? [])
    expect(Number(epochs.at(-1))).to.be.above(1)
  })

  it('says why its members cannot open, and gives up', async () => {
    const first = start('--for', '110s')
    await everyMember(first, 'members: 1, 2, 3')
    const second = start('--for', '110s')
    expect((await second.ended).code, second.lines.join('\n')).to.equal(1)
    const complaints = [1, 2, 3].map(id => second.lines.find(line => line.includes(`member ${id}  cannot open: `)))
    for (const complaint of complaints) expect(complaint).to.match(/DATA_DIR_LOCKED.* in the process with pid \d+/)
    const [, supervisor] = await first.line(/kill -USR2 (\d+)/)
    process.kill(Number(supervisor), 'SIGTERM')
    expect(await first.ended, first.lines.join('\n')).to.deep.equal({ code: 0, signal: null })
  })

  it('refuses an option that it does not have, with the usage', async () => {
    const program = start('--four', '8s')
    expect((await program.ended).code).to.equal(2)
    expect(program.lines.join('\n')).to.include('unknown or incomplete option --four').and.include('--for 20s')
  })
})
