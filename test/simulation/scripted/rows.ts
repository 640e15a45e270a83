/**
 * The scenarios from known bugs, by row of the list of invariants (§3.1 to §3.5), and where each is held.
 *
 * Each ticket is the beginning of a title in a `*.test.ts` below this folder — `'ZOOKEEPER-962, ZOOKEEPER-508: …'` —, or stands with a reason in
 * the table of README.md; rows.test.ts sees to it.
 */
import { readdirSync, readFileSync } from 'node:fs'

const tickets = (...numbers: number[]): string[] => numbers.map(number => `ZOOKEEPER-${number}`)
const etcd = (...numbers: number[]): string[] => numbers.map(number => `etcd-${number}`)

/** §3.1 Synchronisation and logging. */
const synchronization = tickets(
  ...[2845, 3023, 3104, 3642, 3911, 4394, 4643, 4646, 4685, 4712, 4785, 4925, 5094, 2418, 3526, 1154, 1156, 1489, 3701],
  ...[790, 335, 1081, 1082, 962, 508, 3500, 3598],
)
/** §3.2 Epochs, election, membership. */
const elections = tickets(
  ...[2307, 4269, 1277, 1732, 1818, 3109, 2959, 764, 3769, 4787, 2678, 2201, 3531, 2819, 2865, 2778, 3829, 2982, 2184],
)
/** §3.3 Snapshots and restart. */
const snapshots = tickets(2325, 3056, 3644, 3781, 2872, 3231, 3127, 3125, 3249, 3145, 3144, 3306, 2623)
/** §3.4 Sessions, ephemerals, requests, watches. */
const sessions = tickets(
  ...[2355, 1208, 1496, 1367, 3471, 2725, 1049, 1046, 1863, 706, 1412, 1667, 1382, 4466, 4471, 4472, 4475, 4736, 3240],
  4923,
)
/** §3.5 From other systems. */
const others = [
  ...etcd(13766, 14685, 17780, 14370, 15271, 15220, 17529, 18089, 19179, 20418, 14571),
  ...['Zab-spec-1', 'Zab-spec-2', 'Zab-spec-3'],
  ...['store-1', 'store-2', 'store-3', 'store-4', 'store-5', 'store-6'],
]

export const rows: readonly string[] = [...synchronization, ...elections, ...snapshots, ...sessions, ...others]

const here = new URL('.', import.meta.url)

/** Every row that is the beginning of a title here, with the file. */
export function titled(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const row = '(?:ZOOKEEPER|etcd|Zab-spec|store)-\\d+'
  const title = new RegExp(`['"\`](${row}(?:, ${row})*): `, 'g')
  for (const file of readdirSync(here, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.test.ts')) continue
    for (const [, ids] of readFileSync(new URL(file, here), 'utf8').matchAll(title))
      for (const id of ids!.split(', ')) found.set(id, file)
  }
  return found
}

/** Every row that stands in the table of README.md, with the reason why there is no script. */
export function excused(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of readFileSync(new URL('README.md', here), 'utf8').split('\n')) {
    const [, ids, reason] = /^\| ([^|]+) \| ([^|]+) \|$/.exec(line) ?? []
    for (const id of ids?.split(', ') ?? []) if (/-\d+$/.test(id)) found.set(id, reason!)
  }
  return found
}
