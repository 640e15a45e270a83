/**
 * A host name to addresses, anew at each dial (pods move), without `getaddrinfo`: that would wait in the same four pool threads
 * as the log's syncs (architecture §6). So: literals and `localhost` as they are, then the hosts file, then DNS by c-ares.
 *
 * Known limit: search domains of resolv.conf are not applied; give full names. The hosts file is read synchronously on purpose,
 * as it is small and asynchronous reads use the pool.
 */
import { promises as dns } from 'node:dns'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { ZooKeeperError } from '../../lib/model/errors.js'

const { SystemRoot = 'C:\\Windows' } = process.env
const HOSTS_FILE = process.platform === 'win32' ? join(SystemRoot, 'System32', 'drivers', 'etc', 'hosts') : '/etc/hosts'
const DNS_TIMEOUT_MS = 2_000

/**
 * At least one address, IPv4 first. Rejects with TRANSPORT_FAILED, or ABORTED. `servers` are the name servers to ask, `ip:port`; by default
 * those of the system.
 */
export async function resolveHost(
  host: string,
  signal?: AbortSignal,
  servers?: readonly string[],
): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  const name = host.toLowerCase()
  if (name === 'localhost') return ['127.0.0.1']
  const known = findInHosts(readHosts(), name)
  if (known.length > 0) return known
  const resolver = new dns.Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const cancel = () => resolver.cancel()
  if (signal?.aborted) throw new ZooKeeperError('ABORTED', `resolving ${host} was aborted`)
  signal?.addEventListener('abort', cancel)
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    if (signal?.aborted) throw new ZooKeeperError('ABORTED', `resolving ${host} was aborted`)
    const found = [...(four.status === 'fulfilled' ? four.value : []), ...(six.status === 'fulfilled' ? six.value : [])]
    if (found.length > 0) return found
    const cause: unknown = four.status === 'rejected' ? four.reason : undefined
    throw new ZooKeeperError('TRANSPORT_FAILED', `${host} has no address`, { cause })
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
}

/** The addresses that the text of a hosts file gives a (lower case) name, IPv4 first. */
export function findInHosts(text: string, name: string): readonly string[] {
  const found: string[] = []
  for (const line of text.split('\n')) {
    const [address, ...names] = line.split('#', 1)[0]!.trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    if (names.some(each => each.toLowerCase() === name)) found.push(address)
  }
  return found.sort((a, b) => isIP(a) - isIP(b))
}

function readHosts(): string {
  try {
    return readFileSync(HOSTS_FILE, 'utf8')
  } catch {
    return '' // no hosts file, or not ours to read: DNS then decides
  }
}
