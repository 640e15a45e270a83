/**
 * Four-letter words: four bytes in the place of a session, answered by text. Only those on the allow-list are carried out; any other known word is
 * answered by a refusal, and what is no word is the beginning of a frame.
 *
 * Always holds: an answer changes nothing but statistics, and says nothing of data. Words whose answers grow with sessions or watches (dump,
 * cons, stat, wchs, wchc, wchp) are for those who put them on the list (CVE-2017-5637).
 * Before: client-connection.ts with the first bytes. Semantics §24.
 */
import { formatZxid, isAfter, ZERO, type Zxid } from '../../model/zxid.js'
import { OpCode } from '../op-codes.js'
import type { ClientConnection } from './client-connection.js'
import { monitored, rounded } from './monitored.js'
import type { ServerLists, ServerReport } from './server-report.js'
import type { Traffic } from './traffic.js'

export interface WordPorts {
  /** The words that are carried out; '*' for all. */
  readonly allowed: readonly string[]
  readonly traffic: Traffic
  /** Connections that were closed because of too many. */
  readonly refused: number
  /** How likely a session is turned away though there are tokens. */
  readonly dropChance: number
  /** Where clients connect. */
  readonly port: number
  report(): ServerReport
  readonly lists: ServerLists
  connections(): Iterable<ClientConnection>
  readonly outstanding: number
  /** Milliseconds since 1970 of a monotonic time. */
  wallOf(monotonic: number): number
}

export const WORD_BYTES = 4

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests\n'
/** Answered also while the peer serves nobody. */
const always: ReadonlySet<string> = new Set(['ruok', 'envi', 'isro', 'gtmk', 'stmk'])

/** Undefined for what is no word. A promise of what has to be looked up. */
export function answerWord(word: string, ports: WordPorts): string | Promise<string> | undefined {
  const answer = words.get(word)
  if (answer === undefined) return undefined
  if (!ports.allowed.includes('*') && !ports.allowed.includes(word))
    return `${word} is not executed because it is not in the whitelist.\n`
  const report = ports.report()
  if (report.mode === undefined && !always.has(word)) return NOT_SERVING
  return answer(ports, report)
}

type Answer = (ports: WordPorts, report: ServerReport) => string | Promise<string>

const words: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['ruok', () => 'imok'],
  ['srvr', (ports, report) => version(report) + statistics(ports, report)],
  ['stat', (ports, report) => `${version(report)}Clients:\n${clients(ports, briefly)}\n${statistics(ports, report)}`],
  ['cons', ports => `${clients(ports, atLength)}\n`],
  ['conf', async ({ lists, port }) => lines([...lists.configuration(port, await lists.sizes())])],
  [
    'mntr',
    async (ports, report) => lines((await monitored(ports, report)).map(([key, value]) => `zk_${key}\t${value}`)),
  ],
  ['dump', dump],
  ['dirs', directories],
  [
    'hash',
    ({ lists }) => lines([...lists.digests()].map(({ zxid, digest }) => `${hexOfZxid(zxid)}: ${signed(digest)}`)),
  ],
  ['wchs', watchSummary],
  ['wchc', ({ lists }) => listed(bySession(lists))],
  ['wchp', ({ lists }) => listed(byPath(lists))],
  [
    'crst',
    ({ connections }) => {
      for (const { traffic } of connections()) traffic.reset()
      return 'Connection stats reset.\n'
    },
  ],
  [
    'srst',
    ({ traffic }) => {
      traffic.reset()
      return 'Server stats reset.\n'
    },
  ],
  ['envi', ({ lists }) => lines(['Environment:', ...lists.environment()])],
  ['isro', (_, { mode }) => (mode === undefined ? 'null' : mode === 'read-only' ? 'ro' : 'rw')],
  ['gtmk', () => '0'],
  ['stmk', () => '0'],
])

function version({ version, mode }: ServerReport): string {
  return `Zookeeper version: ${version}\n${mode === 'read-only' ? 'READ-ONLY mode; serving only read-only clients\n' : ''}`
}

function statistics(ports: WordPorts, { mode, zxid, znodes }: ServerReport): string {
  const { min, average, max } = ports.traffic.latency
  return lines([
    `Latency min/avg/max: ${min}/${rounded(average)}/${max}`,
    `Received: ${ports.traffic.received}`,
    `Sent: ${ports.traffic.sent}`,
    `Connections: ${[...ports.connections()].length}`,
    `Outstanding: ${ports.outstanding}`,
    `Zxid: ${formatZxid(zxid)}`,
    `Mode: ${mode}`,
    `Node count: ${znodes}`,
  ])
}

function clients(ports: WordPorts, line: (connection: ClientConnection, ports: WordPorts) => string): string {
  return lines([...ports.connections()].map(each => line(each, ports)))
}

function briefly({ address, outstanding, traffic }: ClientConnection): string {
  return ` /${address}[1](queued=${outstanding},recved=${traffic.received},sent=${traffic.sent})`
}

function atLength(connection: ClientConnection, { wallOf }: WordPorts): string {
  const { session, traffic, last, lastZxid, openedAt, timeoutMs } = connection
  const { min, average, max } = traffic.latency
  const fields = [
    `queued=${connection.outstanding}`,
    `recved=${traffic.received}`,
    `sent=${traffic.sent}`,
    ...(session === undefined
      ? []
      : [
          `sid=${hexOf(session)}`,
          `lop=${last === undefined ? 'NA' : nameOf(last.opCode)}`,
          `est=${wallOf(openedAt)}`,
          `to=${timeoutMs}`,
          ...(last === undefined ? [] : [`lcxid=0x${(last.xid >>> 0).toString(16)}`]),
          `lzxid=${isAfter(lastZxid, ZERO) ? formatZxid(lastZxid) : '0xffffffffffffffff'}`,
          `lresp=${last === undefined ? 0 : wallOf(last.at)}`,
          `llat=${Math.floor(last?.latencyMs ?? 0)}`,
          `minlat=${min}`,
          `avglat=${Math.floor(average)}`,
          `maxlat=${max}`,
        ]),
  ]
  return ` /${connection.address}[1](${fields.join(',')})`
}

function dump({ lists, connections }: WordPorts): string {
  const buckets = new Map<number, string[]>()
  for (const { session, timeoutMs } of lists.sessions()) {
    const bucket = buckets.get(timeoutMs) ?? []
    buckets.set(timeoutMs, bucket)
    bucket.push(hexOf(session))
  }
  const owners = [...lists.ephemerals()]
  const count = [...buckets.values()].reduce((sum, bucket) => sum + bucket.length, 0)
  return lines([
    'SessionTracker dump:',
    `Session Sets (${buckets.size})/(${count}):`,
    ...[...buckets].flatMap(([timeoutMs, bucket]) => [
      `${bucket.length} with a timeout of ${timeoutMs} ms:`,
      ...bucket.map(indented),
    ]),
    'ephemeral nodes dump:',
    `Sessions with Ephemerals (${owners.length}):`,
    ...owners.flatMap(([session, paths]) => [`${hexOf(session)}:`, ...[...paths].sort().map(indented)]),
    'Connections dump:',
    `Connections Sets (1)/(${[...connections()].length}):`,
    ...[...connections()].map(({ address, session }) =>
      indented(`ip: /${address} sessionId: ${session === undefined ? '0x0' : hexOf(session)}`),
    ),
  ])
}

async function directories({ lists }: WordPorts): Promise<string> {
  const { tree, log } = await lists.sizes()
  return lines([`datadir_size: ${tree}`, `logdir_size: ${log}`])
}

function watchSummary({ lists }: WordPorts): string {
  const sessions = bySession(lists)
  const total = sessions.reduce((sum, [, paths]) => sum + paths.length, 0)
  return `${sessions.length} connections watching ${byPath(lists).length} paths\nTotal watches:${total}\n`
}

function bySession(lists: ServerLists): [string, string[]][] {
  return [...lists.watched()].map(([session, paths]) => [hexOf(session), [...paths]])
}

function byPath(lists: ServerLists): [string, string[]][] {
  const watchers = new Map<string, string[]>()
  for (const [session, paths] of bySession(lists))
    for (const path of paths) watchers.set(path, [...(watchers.get(path) ?? []), session])
  return [...watchers]
}

function listed(groups: readonly (readonly [string, readonly string[]])[]): string {
  return `${lines(groups.flatMap(([head, items]) => [head, ...items.map(indented)]))}\n`
}

function hexOf(session: string): string {
  return `0x${session.replace(/^0+/, '')}`
}

function hexOfZxid(zxid: Zxid): string {
  return formatZxid(zxid).replace(/^0x/, '')
}

/** As Java prints a long. */
function signed({ high, low }: { readonly high: number; readonly low: number }): string {
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)).toString()
}

function indented(text: string): string {
  return `\t${text}`
}

function lines(all: readonly string[]): string {
  return all.map(line => `${line}\n`).join('')
}

const names: ReadonlyMap<number, string> = new Map([
  [OpCode.ping, 'PING'],
  [OpCode.createSession, 'SESS'],
  [OpCode.closeSession, 'CLOS'],
  [OpCode.multi, 'MULT'],
  [OpCode.multiRead, 'MLTR'],
  [OpCode.create, 'CREA'],
  [OpCode.create2, 'CREA'],
  [OpCode.createContainer, 'CREA'],
  [OpCode.createTtl, 'CREA'],
  [OpCode.delete, 'DELE'],
  [OpCode.setData, 'SETD'],
  [OpCode.reconfig, 'RECO'],
  [OpCode.setAcl, 'SETA'],
  [OpCode.sync, 'SYNC'],
  [OpCode.check, 'CHEC'],
  [OpCode.exists, 'EXIS'],
  [OpCode.getData, 'GETD'],
  [OpCode.setWatches, 'SETW'],
  [OpCode.setWatches2, 'STW2'],
  [OpCode.addWatch, 'ADDW'],
  [OpCode.getAcl, 'GETA'],
  [OpCode.getChildren, 'GETC'],
  [OpCode.getChildren2, 'GETC'],
  [OpCode.getAllChildrenNumber, 'GETACN'],
  [OpCode.checkWatches, 'CHKW'],
  [OpCode.removeWatches, 'REMW'],
  [OpCode.whoAmI, 'HOMI'],
  [OpCode.getEphemerals, 'GETE'],
])

function nameOf(opCode: number): string {
  return names.get(opCode) ?? 'NA'
}
