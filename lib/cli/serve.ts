/**
 * `vivarium serve FILE`: a peer in the foreground, from a ZooKeeper configuration file. It ends by itself when the peer does, and gracefully when it is
 * told to.
 *
 * The data lie in the folder `vivarium` of dataDir, beside `myid`; what ZooKeeper keeps there is not touched.
 * Before: main.ts. After: compose.ts, transports/tcp.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { tcp } from '../../transports/tcp/index.js'
import { Peer } from '../compose.js'
import type { AuditListener } from '../host/audit.js'
import { consoleLogger, type Logger } from '../host/logger.js'
import type { PeerOptions } from '../host/peer-options.js'
import { ZooKeeperError } from '../model/errors.js'
import { MEMORY, readZooCfg, type ZooCfg } from './zoo-cfg.js'

export interface ServeOptions {
  readonly say: (line: string) => void
  readonly logger?: Logger
  /** To end it. */
  readonly signal: AbortSignal
}

/** Resolves when the peer has closed. Rejects when it cannot begin, or has failed. */
export async function serve(file: string, { say, logger = consoleLogger(), signal }: ServeOptions): Promise<void> {
  const cfg = readZooCfg(readText(file), myidIn, readText)
  for (const warning of cfg.warnings) logger.warn(`${file}: ${warning}`)
  const audited = cfg.audit ? { audit: auditTo(logger), auditWrites: true } : {}
  const peer = await Peer.open({ ...optionsOf(cfg), ...audited, logger })
  try {
    say(described(peer, cfg))
    await ended(peer, signal)
  } finally {
    await peer.close()
  }
}

function myidIn(dataDir: string): string | undefined {
  const path = join(dataDir, 'myid')
  return existsSync(path) ? readText(path) : undefined
}

function optionsOf(cfg: ZooCfg): PeerOptions {
  const { id, options, dataDir, quorum, secretFile, insecure } = cfg
  const transport =
    quorum === undefined
      ? {}
      : {
          transport: tcp({
            ...quorum,
            ...(secretFile === undefined ? {} : { secret: readText(secretFile).trim() }),
            insecure,
          }),
        }
  return { ...options, ...transport, id, dataDir: dataDir === MEMORY ? MEMORY : placeOf(dataDir) }
}

/** One line an event, in words that a log can print. */
function auditTo(logger: Logger): AuditListener {
  return ({ session, identities, zxid, time: _, ...event }) => {
    const user = identities.map(({ scheme, user }) => `${scheme}:${user}`).join(',')
    logger.info('audit', { ...event, session: hexOf(session), user, zxid: hexOf(zxid) })
  }
}

function hexOf(number: bigint | undefined): string | undefined {
  return number === undefined ? undefined : `0x${number.toString(16)}`
}

function placeOf(dataDir: string): string {
  mkdirSync(dataDir, { recursive: true })
  return join(resolve(dataDir), 'vivarium')
}

function described(peer: Peer, { quorum }: ZooCfg): string {
  const { clientPort } = peer
  const clients = clientPort === undefined ? 'no client port' : `clients at ${clientPort.host}:${clientPort.port}`
  const others = quorum === undefined ? 'standalone' : `peers at ${quorum.host}:${quorum.port}`
  return `peer ${peer.id}: ${clients}, ${others}`
}

/** Rejects with what the peer has failed of. */
async function ended(peer: Peer, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => resolve()
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    peer.status$.subscribe({
      complete: () => {
        signal.removeEventListener('abort', stop)
        const { error } = peer.status
        if (error === undefined) resolve()
        else reject(error)
      },
    })
  })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ZooKeeperError('BAD_OPTIONS', `${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
