import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { history } from '../../../compliance/storage-fixtures.js'
import { DataDir } from './data-dir.js'

const writer = fileURLToPath(new URL('./killed-writer.ts', import.meta.url))

describe('a store whose process is killed', () => {
  let data: DataDir
  beforeEach(async () => {
    data = await DataDir.make()
  })
  afterEach(() => data.destroy())

  it('Z17, Z27: has everything it promised, and a whole tree, again and again', async function () {
    this.timeout(60_000)
    for (const lines of [30, 95, 150, 230]) {
      const child = spawn(process.execPath, ['--import=tsx', writer, data.location], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const gone = once(child, 'exit')
      let said = 0
      let logged = 0
      let accepted = 0
      let checkpointed = 0
      for await (const line of createInterface({ input: child.stdout })) {
        const words = line.split(' ')
        if (words[0] === 'logged') logged = Number(words[2])
        else if (words[0] === 'accepted') accepted = Number(words[1])
        else checkpointed = Number(words[1])
        if (++said === lines) child.kill('SIGKILL')
      }
      await gone
      await data.with(async (storage, found) => {
        const versions = new Set([...found.image.nodes].map(([, node]) => node.version))
        expect(versions.size).to.be.at.most(1)
        expect([...versions][0] ?? 0).to.equal(found.image.zxid.counter)
        expect(found.image.zxid.counter).to.be.at.least(checkpointed)
        expect(found.suffix.at(-1)?.zxid.counter ?? found.image.zxid.counter).to.be.at.least(logged)
        expect(found.epochs.accepted).to.be.at.least(accepted)
        const { base, ranges } = found.history
        expect(await history(storage, base)).to.have.length((ranges.at(-1)?.last ?? base.counter) - base.counter)
      })
    }
  })
})
