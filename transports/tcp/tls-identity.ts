/**
 * Who a certificate speaks for: its subject alternative names only. No fallback to the common name, no reverse lookup, no
 * wildcard (CVE-2026-24281, CVE-2023-44981); an absent or empty part denies.
 */
import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'

/** The DNS names (lower case) and IP addresses of a certificate. */
export function namesOf(certificate: PeerCertificate | undefined): readonly string[] {
  const text = certificate?.subjectaltname
  // Node quotes an entry that contains a comma or other unusual characters; such a name is none that we accept.
  if (typeof text !== 'string' || text.includes('"')) return []
  const names: string[] = []
  for (const entry of text.split(', ')) {
    if (entry.startsWith('DNS:')) names.push(entry.slice('DNS:'.length).toLowerCase())
    else if (entry.startsWith('IP Address:')) names.push(canonicalName(entry.slice('IP Address:'.length)))
  }
  return names.filter(name => name !== '')
}

/** One spelling per name, so that comparing text is comparing names. */
export function canonicalName(name: string): string {
  if (isIP(name) !== 6) return name.toLowerCase()
  return new URL(`http://[${name}]/`).hostname.slice(1, -1)
}

export function provesOneOf(proven: readonly string[], accepted: readonly string[]): boolean {
  return accepted.some(name => proven.includes(canonicalName(name)))
}
