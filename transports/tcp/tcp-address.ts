/**
 * `tcp://host:port` as text and as parts; IPv6 literals stand in brackets, as in URLs.
 * Before: the member list. After: resolve-host.ts, tcp-transport.ts.
 */
import { isIP, isIPv6 } from 'node:net'

export interface HostAndPort {
  readonly host: string
  readonly port: number
}

const SCHEME = 'tcp://'

/** Undefined when the text is not such an address. @example parseTcpAddress('tcp://[::1]:2888') // { host: '::1', port: 2888 } */
export function parseTcpAddress(address: string): HostAndPort | undefined {
  if (!address.startsWith(SCHEME)) return undefined
  const rest = address.slice(SCHEME.length)
  const colon = rest.lastIndexOf(':')
  const portText = rest.slice(colon + 1)
  const port = Number(portText)
  if (colon < 1 || !/^\d{1,5}$/.test(portText) || port < 1 || port > 65_535) return undefined
  const name = rest.slice(0, colon)
  if (name.startsWith('[')) {
    const host = name.slice(1, -1)
    return name.endsWith(']') && isIPv6(host) ? { host, port } : undefined
  }
  return isHostName(name) ? { host: name, port } : undefined
}

export function formatTcpAddress(host: string, port: number): string {
  return `${SCHEME}${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** An IPv4 literal or a DNS name. */
export function isHostName(text: string): boolean {
  return text.length > 0 && text.length <= 253 && /^[A-Za-z0-9._-]+$/.test(text)
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
