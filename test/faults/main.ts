/**
 * npm run test:faults -- [--kills 300] [--partitions 60] [--links 24] [--pauses 30] [--changes 3] [--seed S] [--plant BUG] [--proxy]
 *
 * Real processes on real disks: killed, partitioned, with bad links, and made to stand still. Ends with code 1 and says what was violated and
 * how to run it again. Partitions run in network namespaces; where these are not permitted, or with --proxy, through the proxy alone.
 */
import { parseArgs } from 'node:util'
import { loopback } from '../crash/network.js'
import { type PlantedBug, plantedBugs } from '../crash/planted-bugs.js'
import type { PhaseKind } from './cycles.js'
import { type PhaseOptions, type PhaseResult, runPhase } from './fault-run.js'
import { changeMembers } from './members-change.js'
import { insideNamespaces, namespaces, namespacesMissing, prepareInside, runInside } from './namespaces.js'
import { proxied } from './proxy.js'
import { report } from './report.js'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    partitions: { type: 'string', default: '60' },
    links: { type: 'string', default: '24' },
    pauses: { type: 'string', default: '30' },
    changes: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    plant: { type: 'string' },
    proxy: { type: 'boolean', default: false },
  },
})

/** How many cycles one ensemble lives through: its log stays whole, and small enough to be read again. */
const CYCLES_MAX: Readonly<Record<PhaseKind, number>> = { kill: 50, partition: 20, link: 12, pause: 15 }

async function main(): Promise<number> {
  const plant = values.plant as PlantedBug | undefined
  if (plant !== undefined && !plantedBugs.includes(plant))
    throw new Error(`--plant is one of ${plantedBugs.join(', ')}`)
  const counts = { kill: values.kills, partition: values.partitions, link: values.links, pause: values.pauses }
  if (![...Object.values(counts), values.changes, values.seed].every(each => /^\d+$/.test(each)))
    throw new Error('give whole numbers')
  const seed = Number(values.seed)

  const missing = values.proxy ? 'not wanted' : insideNamespaces() ? undefined : namespacesMissing()
  if (missing === undefined && !insideNamespaces()) return runInside()
  if (insideNamespaces()) prepareInside()
  const command = `npm run test:faults -- ${process.argv.slice(2).join(' ')}`
  console.log(
    `fault test: ${JSON.stringify(counts)}, changes of members ${values.changes}, seed ${seed}${plant === undefined ? '' : `, planted bug ${plant}`}`,
  )
  if (missing !== undefined) console.log(`partitions run through the proxy alone: ${missing}`)
  const networks: Readonly<Record<PhaseKind, PhaseOptions['network']>> = {
    kill: loopback,
    partition: missing === undefined ? namespaces : proxied,
    link: proxied,
    pause: loopback,
  }
  const results: PhaseResult[] = []
  for (const [kind, count] of Object.entries(counts) as [PhaseKind, string][]) {
    let left = Number(count)
    for (let phase = 0; left > 0 && results.every(({ violations }) => violations.length === 0); phase++) {
      const cycles = left <= 3 ? left : Math.min(CYCLES_MAX[kind], Math.ceil(left / 2))
      const before = Number(count) - left
      left -= cycles
      const members = phase % 2 === 0 ? 3 : 5
      const options = {
        kind,
        members,
        cycles,
        before,
        seed: seed + results.length,
        network: networks[kind],
        plant,
        say: console.log,
      }
      console.log(`${kind}: ${cycles} cycles, ${members} members`)
      const result = await runPhase(options)
      results.push(result)
      for (const violation of result.violations) console.log(`VIOLATION: ${violation}`)
    }
  }
  const violations = results.flatMap(result => result.violations)
  for (let change = 0; change < Number(values.changes) && violations.length === 0; change++) {
    console.log('members: from three to five')
    violations.push(...(await changeMembers({ seed: seed + change, say: line => console.log(`      ${line}`) })))
    for (const violation of violations) console.log(`VIOLATION: ${violation}`)
  }
  console.log(report(results))
  if (violations.length === 0) {
    console.log('passed: no acknowledged write is lost, no older leader was heard, every stream shows the last value')
    return 0
  }
  console.log(`again: ${command}${command.includes('--seed') ? '' : ` --seed ${seed}`}`)
  return 1
}

const began = performance.now()
const code = await main()
if (insideNamespaces() || code !== 0 || values.proxy)
  console.log(`took ${Math.round((performance.now() - began) / 1000)} s`)
process.exit(code)
