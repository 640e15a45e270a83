/** The small programs of examples/, run as built, each in a process of its own: the lines they print, and that they end by themselves. */
import { expect } from 'chai'
import { builtFile, root } from './built.js'
import { freeBasePort } from './free-ports.js'
import { RunningProgram } from './running-program.js'

describe('examples', function () {
  this.timeout(60_000)
  const started: RunningProgram[] = []
  const run = async (name: string, ...args: string[]): Promise<string[]> => {
    const program = new RunningProgram(process.execPath, [builtFile('examples', `${name}.js`), ...args], { cwd: root })
    started.push(program)
    expect(await program.ended, program.lines.join('\n')).to.deep.equal({ code: 0, signal: null })
    return program.lines
  }
  afterEach(async () => {
    await Promise.all(started.splice(0).map(program => program.kill()))
  })

  it('single-peer sees its own writes', async () => {
    expect(await run('single-peer')).to.deep.equal([
      'nothing there yet',
      '{ dark: false }',
      '{ dark: true }',
      'version 1',
    ])
  })

  it('tcp-cluster: every process sees all three', async () => {
    const lines = await run('tcp-cluster', String(await freeBasePort(3)))
    expect(lines.sort()).to.deep.equal(['member 1 sees 1, 2, 3', 'member 2 sees 1, 2, 3', 'member 3 sees 1, 2, 3'])
  })

  it('ipc-workers do each job once', async () => {
    const lines = await run('ipc-workers')
    expect(lines.sort()).to.deep.equal(['job-1: 1', 'job-2: 4', 'job-3: 9', 'job-4: 16', 'job-5: 25', 'job-6: 36'])
  })

  it('config-subscription is told of every change', async () => {
    expect(await run('config-subscription')).to.deep.equal([
      'retries: 2',
      '/config/gateway v0, /config/logging v0',
      'retries: 3',
      '/config/gateway v1, /config/logging v0',
      '/config/gateway v1, /config/logging v1',
      '/config/gateway v1',
    ])
  })

  it('leader-job: one leads at a time, and the next goes on where it stopped', async () => {
    expect(await run('leader-job')).to.deep.equal([
      'one leads and goes on after step 0',
      'one has done steps 1 and 2',
      'two leads and goes on after step 2',
      'two has done steps 3 and 4',
      'three leads and goes on after step 4',
      'three has done steps 5 and 6',
    ])
  })

  it('leader-job-test passes: a job survives whoever does it', async () => {
    const lines = await run('leader-job-test')
    expect(lines.filter(line => /\bpass 1$/.test(line))).to.have.length(1)
    expect(lines.some(line => /\d+ steps, each once/.test(line))).to.equal(true)
  })
})
