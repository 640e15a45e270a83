/**
 * X.509 certificates made on the spot, so that the tests need no tool, no stored private key and no calendar. Just enough DER
 * (RFC 5280, ECDSA P-256 with SHA-256) for TLS: authorities, leaves with alternative names, and leaves that are wrong in one way.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface Credentials {
  readonly key: string
  readonly cert: string
}

export interface LeafOptions {
  /** Subject alternative names: IP addresses as `ip:1.2.3.4`, everything else is a DNS name. */
  readonly names?: readonly string[]
  readonly commonName?: string
  /** Days from now. @default -1 */
  readonly validFrom?: number
  /** Days from now. @default 30 */
  readonly validUntil?: number
  /** @default both */
  readonly purposes?: readonly ('server' | 'client')[]
}

export interface Authority {
  /** What to trust. */
  readonly cert: string
  issue(options?: LeafOptions): Credentials
}

export function makeAuthority(commonName = 'test authority'): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = nameOf(commonName)
  const isAuthority = extension('2.5.29.19', true, sequence(der(0x01, Buffer.of(0xff))))
  const cert = certificate(privateKey, issuer, issuer, publicKey, -1, 30, [isAuthority])
  return {
    cert,
    issue({
      names = [],
      commonName: own = '',
      validFrom = -1,
      validUntil = 30,
      purposes = ['server', 'client'],
    }: LeafOptions = {}) {
      const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const oids = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }
      const extensions = [extension('2.5.29.37', false, sequence(...purposes.map(purpose => oid(oids[purpose]))))]
      if (names.length > 0) extensions.push(extension('2.5.29.17', false, sequence(...names.map(alternativeName))))
      return {
        key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
        cert: certificate(privateKey, issuer, nameOf(own), leaf.publicKey, validFrom, validUntil, extensions),
      }
    },
  }
}

function certificate(
  signer: KeyObject,
  issuer: Buffer,
  subject: Buffer,
  publicKey: KeyObject,
  validFrom: number,
  validUntil: number,
  extensions: readonly Buffer[],
): string {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')) // ecdsa-with-SHA256
  const serial = randomBytes(8)
  serial[0] = 0x01
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, serial),
    algorithm,
    issuer,
    sequence(time(validFrom), time(validUntil)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, signer)
  const whole = sequence(body, algorithm, der(0x03, Buffer.of(0), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function nameOf(commonName: string): Buffer {
  if (commonName === '') return sequence()
  return sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))))
}

function alternativeName(name: string): Buffer {
  if (name.startsWith('ip:')) return der(0x87, Buffer.from(name.slice(3).split('.').map(Number)))
  return der(0x82, Buffer.from(name, 'latin1'))
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [der(0x01, Buffer.of(0xff))] : []), der(0x04, value))
}

function time(days: number): Buffer {
  const text = new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return der(0x18, Buffer.from(text))
}

function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number)
  const bytes = [first! * 40 + second!]
  for (let arc of rest) {
    const groups = [arc & 0x7f]
    for (arc = Math.floor(arc / 128); arc > 0; arc = Math.floor(arc / 128)) groups.unshift((arc & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(0x06, Buffer.from(bytes))
}

function sequence(...items: readonly Buffer[]): Buffer {
  return der(0x30, ...items)
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content])
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content])
}
