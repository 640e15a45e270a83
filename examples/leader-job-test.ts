// How to test one's own code against failovers, here with node:test: a job that one of three members does at a time goes on when that one
// dies or is cut off, and no step is done twice. The ensemble is a real one on virtual time, so the minutes of this test take milliseconds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filter, firstValueFrom } from 'rxjs'
import { json, op } from 'vivarium'
import { openEnsemble } from 'vivarium/testing'

test('the job survives whoever does it', async t => {
  const ensemble = await openEnsemble(3, { seed: 7 })
  t.after(() => ensemble.close())
  const setup = await ensemble.client(1, { codec: json })
  await setup.multi([op.create('/election'), op.create('/steps', 0)])
  const doneBy = new Map() // step → member

  for (const id of [1, 2, 3]) start(id)

  // The code under test: the first in line does a step a second. Its timers come from the ensemble, as do its sessions.
  async function start(id = 0) {
    // Longer than it takes to find another leader: who can go on, goes on with the session it has.
    const zk = await ensemble.client(id, { codec: json, sessionTimeoutMs: 30_000 })
    const mine = await zk.create('/election/candidate-', id, { ephemeral: true, sequential: true })
    try {
      for (;;) {
        const queue = (await zk.getChildren('/election')).map(name => `/election/${name}`)
        const place = queue.indexOf(mine)
        if (place === 0) break
        await firstValueFrom(zk.exists$(queue[place - 1] ?? mine).pipe(filter(state => !state.exists)))
      }
      for (;;) {
        const { value: done, stat } = await zk.get('/steps')
        await zk.multi([op.check(mine), op.set('/steps', done + 1, { version: stat.version })])
        assert.equal(doneBy.get(done + 1), undefined, 'done twice')
        doneBy.set(done + 1, id)
        await new Promise(resolve => ensemble.clock.schedule(1000, () => resolve(done)))
      }
    } catch (error) {
      console.log(`member ${id} stops after step ${doneBy.size}: ${error instanceof Error ? error.message : error}`)
    }
  }

  await ensemble.until(() => doneBy.size === 3)
  const first = doneBy.get(3)
  ensemble.kill(first)
  await ensemble.until(() => doneBy.size === 6)
  const second = doneBy.get(6)
  assert.notEqual(second, first)

  await ensemble.restart(first)
  await ensemble.advance(5000)
  ensemble.partition([[second], [1, 2, 3].filter(id => id !== second)])
  await ensemble.until(() => doneBy.get(doneBy.size) !== second)
  ensemble.heal()
  await ensemble.advance(60_000)

  const zk = await ensemble.client(first, { codec: json })
  await zk.sync()
  assert.equal((await zk.get('/steps')).value, doneBy.size)
  console.log(`${doneBy.size} steps, each once, in ${Math.round(ensemble.clock.now() / 1000)} s of the ensemble's time`)
})
