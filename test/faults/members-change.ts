/**
 * From three members to five, with lists that differ on the way, as when an operator changes one member after the other.
 *
 * What must hold: whose lists differ refuse each other, and both say so; those with the new list do not become an ensemble of their own beside
 * the old one, also when one of them has data; the documented way (stop all, change the list everywhere, start all) loses nothing, and the new
 * members, which begin empty, get everything. Judged as in fault-run.ts: by answers, and by the disks in the end.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkAnswers } from '../crash/answers.js'
import { Cluster, type MemberNumber, until } from '../crash/cluster.js'
import { Ledger } from '../crash/ledger.js'
import { loopback } from '../crash/network.js'
import { checkLive, PATIENCE_MS, pause, progress } from '../crash/settled.js'
import { verifyDisks } from '../crash/verify.js'
import { whoServes } from './cycles.js'
import { LEADER_WITHIN_MS } from './fault-run.js'

const PACE = { burstPauseMs: 100, sessionTimeoutMs: 3000, observe: true }
const OLD = [1, 2, 3]
const NEW = [4, 5]

export async function changeMembers(options: {
  readonly seed: number
  readonly say: (line: string) => void
}): Promise<readonly string[]> {
  const { seed, say } = options
  const directory = await mkdtemp(join(tmpdir(), 'vivarium-members-'))
  const ledger = new Ledger()
  const five = await loopback(5)
  let listed = 3
  const network = {
    ...five,
    get addresses() {
      return five.addresses.slice(0, listed)
    },
  }
  const cluster = new Cluster({ directory, seed, members: 5, network, pace: PACE }, ledger)
  try {
    start(cluster, OLD)
    await progress(cluster, ledger)

    listed = 5
    start(cluster, NEW)
    for (const member of NEW) for (const old of OLD) await refuses(cluster, member, old)
    say('members 4 and 5 of a list of five: refused by the three, and refuse them')

    await cluster.kill(3)
    start(cluster, [3])
    for (const old of [1, 2]) {
      await refuses(cluster, 3, old)
      await refuses(cluster, old, 3)
    }
    await until(
      PATIENCE_MS,
      () => NEW.every(member => !cluster.status(3)!.troubles.some(each => each.startsWith(`${member}:`))),
      'link of 3 with 4 and 5',
    )
    // Three of five, two of them empty: time enough to elect somebody.
    await pause(LEADER_WITHIN_MS)
    for (const member of [3, ...NEW]) {
      if (whoServes(cluster).includes(member))
        ledger.violation(`member ${member} serves with the new list while members 1 and 2 serve with the old one`)
    }
    await progress(cluster, ledger)
    checkAnswers(cluster.established, ledger)
    say('member 3 with the list of five: an ensemble with neither; members 1 and 2 go on')

    await cluster.kill(...cluster.running)
    start(cluster, [...OLD, ...NEW])
    await until(PATIENCE_MS, () => whoServes(cluster).length === 5 || ledger.violations.length > 0, 'ensemble of five')
    await progress(cluster, ledger)
    const live = await checkLive(cluster, ledger)
    await cluster.kill(...cluster.running)
    const dataDirs = cluster.members.map(member => cluster.dataDir(member))
    await verifyDisks(dataDirs, live, cluster.established, ledger)
    say(
      `all stopped, all started with the list of five: five serve, ${ledger.counts.acknowledged} acknowledged writes in all`,
    )
  } catch (error) {
    ledger.violation(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    await cluster.kill(...cluster.running)
    await five.close()
  }
  if (ledger.violations.length === 0) await rm(directory, { recursive: true, force: true })
  else say(`the data of the members are in ${directory}`)
  return ledger.violations
}

function start(cluster: Cluster, members: readonly MemberNumber[]): void {
  for (const member of members) cluster.start(member)
}

/** `member` says that it has no link with `other`, and why. */
function refuses(cluster: Cluster, member: MemberNumber, other: MemberNumber): Promise<void> {
  const said = () =>
    cluster.status(member)?.troubles.some(each => each.startsWith(`${other}: MEMBERS_MISMATCH`)) ?? false
  return until(PATIENCE_MS, said, () => {
    return `word of member ${member} that the list of ${other} differs (${cluster.status(member)?.troubles.join('; ')})`
  })
}
