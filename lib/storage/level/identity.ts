/**
 * The identity file: whose data this directory holds, in which format. Text, so that a person can read it; its last line is the CRC32
 * of all lines before, in this and every later format. Written once, as the last step of the first start: where it is, everything else must be.
 * docs/format.md "Directory".
 */
import { crc32 } from '../../codec/checksum.js'
import { ZooKeeperError } from '../../model/errors.js'
import { isPeerId } from '../../model/ids.js'
import type { StorageIdentity } from '../storage.js'

const FORMAT_VERSION = 1
const TITLE = 'vivarium data directory'

export function encodeIdentity({ ensemble, peer, incarnation }: StorageIdentity): Buffer {
  const lines = [
    TITLE,
    `format ${FORMAT_VERSION}`,
    `ensemble ${JSON.stringify(ensemble)}`,
    `peer ${peer}`,
    `incarnation ${incarnation}`,
  ]
  const text = `${lines.join('\n')}\n`
  return Buffer.from(`${text}crc32 ${checksumOf(text)}\n`)
}

/** Throws DATA_CORRUPT, or DATA_TOO_NEW for an intact file of a later format. */
export function decodeIdentity(bytes: Buffer, file: string): StorageIdentity {
  const text = bytes.toString('utf8')
  const checksumAt = text.lastIndexOf('crc32 ')
  const signed = text.slice(0, Math.max(0, checksumAt))
  if (checksumAt < 0 || text.slice(checksumAt) !== `crc32 ${checksumOf(signed)}\n`) throw damaged(file)
  const [title, format, ensemble, peer, incarnation] = signed.split('\n')
  const version = Number(fieldOf(format, 'format '))
  if (title !== TITLE || !Number.isInteger(version) || version < 1) throw damaged(file)
  if (version > FORMAT_VERSION) {
    throw new ZooKeeperError(
      'DATA_TOO_NEW',
      `${file}: the data are in format ${version}, this release knows ${FORMAT_VERSION}; start the release that wrote them`,
    )
  }
  const identity = {
    ensemble: textOf(fieldOf(ensemble, 'ensemble ')),
    peer: Number(fieldOf(peer, 'peer ')),
    incarnation: fieldOf(incarnation, 'incarnation ') ?? '',
  }
  const { ensemble: name, peer: id, incarnation: digits } = identity
  if (name === undefined || !isPeerId(id) || !/^[0-9a-f]{32}$/.test(digits)) throw damaged(file)
  const read = { ensemble: name, peer: id, incarnation: digits }
  // One identity has one form: other spaces, further lines, bytes that are no UTF-8 were not written here.
  if (!encodeIdentity(read).equals(bytes)) throw damaged(file)
  return read
}

function fieldOf(line: string | undefined, name: string): string | undefined {
  return line?.startsWith(name) ? line.slice(name.length) : undefined
}

function textOf(json: string | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(json ?? '')
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function checksumOf(text: string): string {
  return crc32(Buffer.from(text)).toString(16).padStart(8, '0')
}

function damaged(file: string): ZooKeeperError {
  return new ZooKeeperError(
    'DATA_CORRUPT',
    `${file} is damaged, so nobody can tell whose data these are. Restore that file from a backup of this very directory; or, if a ` +
      'majority of the other peers is well, move the directory away and start this peer with an empty one.',
  )
}
