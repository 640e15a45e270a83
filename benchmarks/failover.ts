/**
 * How long does nobody get a write through after the leader was killed? From SIGKILL to the first acknowledged write of a session that
 * was open on a survivor; the write is made right after the kill. Default options.
 */
import { Ensemble, printTable, quantile } from './harness.js'

export async function failover(trials: number, znodes: number): Promise<void> {
  const ensemble = await Ensemble.start()
  await ensemble.ask(ensemble.leader, { kind: 'create', count: znodes, bytes: 100 })
  const first: number[] = []
  const both: number[] = []
  for (let trial = 0; trial < trials; trial++) {
    const { leader, followers } = ensemble
    for (const id of followers) await ensemble.ask(id, { kind: 'open session' })
    const killing = ensemble.kill(leader)
    const done = await Promise.all(followers.map(id => ensemble.ask(id, { kind: 'first write' })))
    const killedAt = await killing
    const times = done.map(({ at }) => at - killedAt)
    first.push(Math.min(...times))
    both.push(Math.max(...times))
    if (done.some(({ errors }) => errors > 0)) throw new Error('a write of a survivor failed')
    ensemble.startMember(leader)
    await ensemble.serving()
  }
  console.log(`\nfailover: SIGKILL of the leader to an acknowledged write, ${trials} trials, ${znodes} znodes, ms`)
  const row = (name: string, values: readonly number[]) => [
    name,
    Math.min(...values).toFixed(0),
    quantile(values, 0.5).toFixed(0),
    Math.max(...values).toFixed(0),
  ]
  printTable(
    ['session on', 'min', 'median', 'max'],
    [row('one survivor (the faster)', first), row('both survivors (the slower)', both)],
  )
  await ensemble.stop()
}
