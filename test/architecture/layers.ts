/**
 * The floor plan as data: which layer a file belongs to, and what a layer may import. The longest matching entry of `files`
 * decides; files of one layer may import each other. When the test complains, move the code rather than the rule.
 * A `reason` stands where the table goes beyond the design's, or where the entry is not plain.
 */

export interface Layer {
  readonly name: string
  /** Folders (ending in a slash) or files, from the root of the repository. */
  readonly files: readonly string[]
  /** Names of layers, `parent/*` for all layers below a name, and packages or `node:` modules. */
  readonly may: readonly string[]
  /** By `import type` only. */
  readonly mayAsType?: readonly string[]
  readonly reason?: string
}

/** What all of core codes against: the unions, the time and chance handed in. Types only: it draws no code after it. */
const CORE_WORDS = ['core/contracts', 'core/messages']
const STATE = ['core/tree', 'core/session', 'core/watch']

export const layers: readonly Layer[] = [
  { name: 'model', files: ['lib/model/'], may: [] },

  {
    name: 'core/contracts',
    files: [
      'lib/core/input.ts',
      'lib/core/effect.ts',
      'lib/core/audited.ts',
      'lib/core/random.ts',
      'lib/core/outbox.ts',
      'lib/core/protocol-options.ts',
      'lib/core/peer-status.ts',
    ],
    may: ['model'],
    mayAsType: ['core/messages'],
    reason: 'what the parts of the core agree on; outbox.ts collects effects for whoever decides them',
  },
  {
    name: 'core/messages',
    files: ['lib/core/zab/messages.ts'],
    may: ['model'],
    reason: 'all that peers say to each other, the election included: the words, without the protocol beside them',
  },
  { name: 'core/quorum', files: ['lib/core/quorum/'], may: ['model'], mayAsType: CORE_WORDS },
  { name: 'core/membership', files: ['lib/core/membership/'], may: ['model', 'core/quorum'], mayAsType: CORE_WORDS },
  { name: 'core/tree', files: ['lib/core/tree/'], may: ['model'], mayAsType: CORE_WORDS },
  { name: 'core/session', files: ['lib/core/session/'], may: ['model'], mayAsType: CORE_WORDS },
  { name: 'core/watch', files: ['lib/core/watch/'], may: ['model'], mayAsType: CORE_WORDS },
  { name: 'core/election', files: ['lib/core/election/'], may: ['model', 'core/quorum'], mayAsType: CORE_WORDS },
  { name: 'core/zab', files: ['lib/core/zab/'], may: ['model', 'core/quorum'], mayAsType: CORE_WORDS },
  {
    name: 'core/replica',
    files: ['lib/core/replica.ts'],
    may: ['model', 'core/tree', 'core/session'],
    mayAsType: CORE_WORDS,
  },
  {
    name: 'core/operations',
    files: ['lib/core/operations/'],
    may: ['model', 'core/replica', 'core/membership', ...STATE],
    mayAsType: CORE_WORDS,
  },
  {
    name: 'core/housekeeping',
    files: ['lib/core/housekeeping.ts', 'lib/core/reaper.ts'],
    may: ['model', 'core/session', 'core/tree'],
    mayAsType: CORE_WORDS,
    reason: "the leader's chores on the state; kept below the pipeline, whose leader side does them",
  },
  {
    name: 'core/pipeline',
    files: ['lib/core/pipeline/'],
    may: ['model', 'core/operations', 'core/housekeeping', 'core/replica', 'core/membership', 'core/quorum', ...STATE],
    mayAsType: CORE_WORDS,
  },
  {
    name: 'core/roof',
    files: ['lib/core/'],
    may: ['model', 'core/*'],
    reason:
      'roles, the table of links and the like: every file directly in core that no other entry names joins the parts',
  },
  { name: 'core/peer', files: ['lib/core/peer.ts'], may: ['model', 'core/*'] },

  {
    name: 'codec',
    files: ['lib/codec/'],
    may: ['model', 'codec/*', 'node:buffer'],
    mayAsType: ['core/messages'],
    reason: 'node:buffer: bytes and UTF-8, no input or output',
  },
  { name: 'codec/cbor', files: ['lib/codec/cbor.ts'], may: ['model', 'codec', 'cbor-x'] },
  {
    name: 'codec/checksum',
    files: ['lib/codec/checksum.ts'],
    may: ['model', 'node:zlib'],
    reason: 'CRC-32 by Node where it has one',
  },
  { name: 'transport', files: ['lib/transport/'], may: ['model'] },
  {
    name: 'storage/contract',
    files: [
      'lib/storage/storage.ts',
      'lib/storage/storage-order.ts',
      'lib/storage/history-ranges.ts',
      'lib/storage/log-retention.ts',
      'lib/storage/log-judge.ts',
    ],
    may: ['model'],
    reason: 'with the contract stands what every implementation checks in the same way',
  },
  {
    name: 'storage/memory',
    files: ['lib/storage/memory/'],
    may: ['model', 'codec', 'codec/checksum', 'storage/contract', 'node:crypto'],
    reason: 'node:crypto: the incarnation of a new store must not repeat',
  },
  {
    name: 'storage/level',
    files: ['lib/storage/level/'],
    may: [
      'model',
      'codec',
      'codec/checksum',
      'storage/contract',
      'level',
      'node:fs',
      'node:fs/promises',
      'node:path',
      'node:crypto',
    ],
    reason: 'the durable mark is a file of its own beside the databases; node:crypto as in storage/memory',
  },
  { name: 'client', files: ['lib/client/'], may: ['model', 'rxjs'] },
  {
    name: 'host',
    files: ['lib/host/'],
    may: ['model', 'core/*', 'codec', 'storage/contract', 'transport', 'client', 'auth', 'metrics', 'host/*', 'rxjs'],
    reason: 'rxjs: a Peer shows status$, leader$ and members$ as observables',
  },
  { name: 'host/clock', files: ['lib/host/clock.ts'], may: ['client', 'node:perf_hooks'] },
  { name: 'host/random', files: ['lib/host/random.ts'], may: ['core/contracts', 'node:crypto'] },
  {
    name: 'host/pool-probe',
    files: ['lib/host/pool-probe.ts'],
    may: ['node:crypto', 'node:perf_hooks'],
    reason: "node:crypto: a job for libuv's pool that touches no file",
  },
  {
    name: 'host/process-facts',
    files: ['lib/host/process-facts.ts'],
    may: ['node:fs/promises', 'node:os'],
    reason: 'what a four-letter word tells of the process: it is shown and decides nothing',
  },
  {
    name: 'jute',
    files: ['lib/jute/'],
    may: ['model', 'client', 'auth', 'transport', 'metrics', 'node:net', 'node:tls'],
    reason: 'of transport it takes the frames: the same four bytes of length',
  },
  { name: 'recipes', files: ['lib/recipes/'], may: ['model', 'client', 'rxjs'] },
  {
    name: 'admin',
    files: ['lib/admin/'],
    may: ['model', 'client', 'metrics', 'node:http'],
    mayAsType: ['core/contracts'],
  },
  { name: 'auth', files: ['lib/auth/'], may: ['model', 'node:crypto'] },
  { name: 'metrics', files: ['lib/metrics/'], may: ['model'] },
  {
    name: 'testing',
    files: ['lib/testing/'],
    may: [
      'model',
      'auth',
      'core/*',
      'host',
      'host/*',
      'storage/contract',
      'storage/memory',
      'transport',
      'client',
      'transports/memory',
    ],
  },
  {
    name: 'rim',
    files: ['lib/index.ts', 'lib/cli/'],
    may: ['*'],
    reason: 'the rim chooses implementations',
  },
  { name: 'compose', files: ['lib/compose.ts'], may: ['*'] },

  {
    name: 'transports/stream',
    files: ['transports/'],
    may: ['model', 'transport', 'node:*'],
    reason: 'what tcp and ipc share: framing over a byte stream',
  },
  { name: 'transports/tcp', files: ['transports/tcp/'], may: ['model', 'transport', 'transports/stream', 'node:*'] },
  { name: 'transports/ipc', files: ['transports/ipc/'], may: ['model', 'transport', 'transports/stream', 'node:*'] },
  { name: 'transports/memory', files: ['transports/memory/'], may: ['model', 'transport', 'node:*'] },
]

/** Imported by nobody but these, whatever the table above says. */
export const importedOnlyBy: ReadonlyMap<string, readonly string[]> = new Map([
  ['compose', ['rim']],
  // Nobody in core imports peer: it is the roof of the roof.
  ['core/peer', ['host', 'testing', 'compose', 'rim']],
])

/** Never in code under lib/core/: a step is synchronous, and time and chance are arguments. */
export const bannedInCore: readonly RegExp[] = [
  /(?<![.\w$])(?:async|await|Promise|setTimeout|setInterval|setImmediate|queueMicrotask)(?![\w$])/g,
  /(?<![.\w$])(?:Date|performance|process|console|globalThis)(?![\w$])/g,
  /(?<![.\w$])Math\s*\.\s*random(?![\w$])/g,
]

/** In the rest of lib/ the clock and chance are touched by these files only. */
export const clockAndChance: readonly RegExp[] = [
  /(?<![.\w$])(?:Date\s*\.\s*now|new\s+Date\s*\(\s*\)|performance\s*\.\s*now|Math\s*\.\s*random)(?![\w$])/g,
  /(?<![.\w$])(?:setTimeout|setInterval)(?![\w$])/g,
]
export const mayTouchClockAndChance: ReadonlyMap<string, string> = new Map([
  ['lib/host/clock.ts', 'the clock'],
  ['lib/host/random.ts', 'chance'],
  ['lib/cli/', 'the rim'],
  ['lib/storage/level/durable-mark.ts', 'holds a write back for some 50 ms; nothing that a peer decides depends on it'],
])

export const bannedFileNames: readonly string[] = ['utils.ts', 'types.ts', 'helpers.ts', 'constants.ts']

export const LINES_MAX = 300
/** Longer than LINES_MAX, each with the reason. Where a second idea is named, the file waits to be cut there. */
export const longFiles: ReadonlyMap<string, string> = new Map([
  ['lib/codec/message-codec.ts', 'one table: a row a message, its bytes written and read side by side'],
  ['lib/client/client.ts', 'the public API on one page: one short method an operation, most of it documentation'],
  ['lib/client/session.ts', 'one state machine: attach, lose, attach again, end'],
  [
    'lib/core/peer.ts',
    'the one door: a row for every input, and what each step ends with; the parts it ties stand in files of their own',
  ],
  [
    'lib/core/roles.ts',
    'one state machine: every transition of a peer on one page; what each role does stands elsewhere',
  ],
  [
    'lib/core/zab/learner.ts',
    'one relationship with one leader, stage by stage; taking its history could stand by itself',
  ],
  ['lib/host/peer-host.ts', "a peer's turns and its life; wiring and lifecycle could stand by themselves"],
  [
    'lib/testing/simulated-client.ts',
    'one client, what it asks and what it is told; its watches could stand by themselves',
  ],
  [
    'lib/testing/simulated-disk.ts',
    'one queue of operations, with the time they take, what fails and what a crash leaves; checkpoints, which run beside, could stand by themselves',
  ],
  ['lib/testing/virtual/wire.ts', 'one end of a connection: what is sent, arrives and ends has one state'],
  ['lib/storage/level/level-storage.ts', 'the contract put together, with the table of crash states in its header'],
])
