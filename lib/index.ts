/** The public API of `vivarium`: names only. What each is, stands with its idea. */
export type { AuthScheme, ConnectionInfo } from './auth/auth-scheme.js'
export { digestOf } from './auth/digest.js'
export {
  Client,
  type CreateOptions,
  type Data,
  type DeleteOptions,
  type SetOptions,
  type VersionOptions,
  type WalkedZnode,
} from './client/client.js'
export type { CallOptions, ClientOptions } from './client/client-options.js'
export { type Codec, json, makeCodec, raw, text } from './client/codec.js'
export type { MultiReadResults, ReadChildren, ReadOp, ReadValue } from './client/read-batch.js'
export type { ClientState, SessionInfo } from './client/session.js'
export type { Stat } from './client/stat.js'
export type { ChildrenState, DataState, ExistsState, SubtreeState, SubtreeZnode, ZnodeEvent } from './client/streams.js'
export { type MultiOp, type MultiResults, op } from './client/transaction.js'
export type { ZnodeHandle } from './client/znode-handle.js'
export { cbor, Peer } from './compose.js'
export type { FirstStartWait } from './core/peer-status.js'
export type { AuditEvent, AuditListener } from './host/audit.js'
export type { ClientPortOptions } from './host/client-port-options.js'
export { consoleLogger, type LogFields, type Logger, type LogLevel, pinoLogger } from './host/logger.js'
export type { MemberOptions } from './host/member-options.js'
export type { PeerOptions } from './host/peer-options.js'
export type { ReplicaView, ViewedZnode } from './host/replica-view.js'
export type { Health, MemberReport, StatusReport } from './host/status-report.js'
export {
  type Acl,
  type AclEntry,
  CREATOR_ALL_ACL,
  type Identities,
  type Identity,
  OPEN_ACL_UNSAFE,
  Permission,
  READ_ACL_UNSAFE,
} from './model/acl.js'
export { type ErrorCode, hasCode, type Outcome, ZooKeeperError, zookeeperCodes } from './model/errors.js'
export type { ClientIdentity } from './model/response.js'
export type { Storage } from './storage/storage.js'
export type { Connection, ConnectionHandlers, Transport } from './transport/transport.js'
