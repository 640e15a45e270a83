/**
 * The keys of a ZooKeeper configuration file about the client port and its limits, as the option `clientPort`. Those that ZooKeeper knows as system
 * properties only have their names as such; two are also known by the name under which its manual tells of them. What ZooKeeper does not limit has a key of our own.
 * Before: zoo-cfg.ts. After: client-port-options.ts judges. Semantics §18, §27.
 */
import type { ClientPortOptions } from '../host/client-port-options.js'
import type { CfgServer } from './cfg-members.js'
import { type CfgValues, given } from './cfg-values.js'

/** Without clientPortAddress it is every interface, as in ZooKeeper. */
export function readClientPort(
  values: CfgValues,
  own: CfgServer | undefined,
): { readonly clientPort?: ClientPortOptions } {
  const port = values.number('clientPort') ?? own?.client?.port
  const host = values.text('clientPortAddress') ?? own?.client?.host ?? '0.0.0.0'
  const limits = { ...connections(values), ...requests(values), ...tokens(values) }
  return port === undefined ? {} : { clientPort: { port, host, ...limits } }
}

function connections(values: CfgValues): Partial<ClientPortOptions> {
  return given({
    fourLetterWords: words(values),
    connectionsPerAddressMax: values.number('maxClientCnxns'),
    connectionsMax: values.number('maxCnxns'),
    connectionsPerSecondMax: values.number('vivarium.connectionsPerSecondMax'),
    connectionsPerSecondPerAddressMax: values.number('vivarium.connectionsPerSecondPerAddressMax'),
    sessionlessMax: values.number('vivarium.sessionlessMax'),
    sessionlessTimeoutMs: values.number('nio.sessionlessCnxnTimeout'),
    leaderServes: leaderServes(values),
    keepAlive: values.flag('clientTcpKeepAlive'),
    listenBacklog: unlessMinusOne(values.number('clientPortListenBacklog')),
  })
}

/** Only 'no' means no, as in ZooKeeper. */
function leaderServes(values: CfgValues): boolean | undefined {
  const said = values.text('leaderServes')
  return said === undefined ? undefined : said !== 'no'
}

/** What ZooKeeper's own scripts and clients ask for is always allowed. */
function words(values: CfgValues): readonly string[] | undefined {
  const listed = values.list('4lw.commands.whitelist')
  const own = values.flag('readonlymode.enabled') === true ? ['srvr', 'isro'] : ['srvr']
  return listed && [...new Set([...listed, ...own])]
}

function requests(values: CfgValues): Partial<ClientPortOptions> {
  for (const key of ['request_throttle_drop_stale', 'request_stale_connection_check'])
    if (values.flag(key) === false)
      values.warnings.push(`${key}: what waits for a connection that has gone is forgotten all the same`)
  return given({
    frameBytesMax: values.number('jute.maxbuffer'),
    outstandingMax: values.number('globalOutstandingLimit'),
    requestThrottleMax: values.number('request_throttle_max_requests') ?? values.number('requestThrottleLimit'),
    requestThrottleStallMs: values.number('request_throttle_stall_time'),
    requestThrottleDropLate: values.flag('request_stale_latency_check'),
    throttledOpWaitMs: values.number('throttled_op_wait_time') ?? values.number('throttledOpWaitTime'),
    largeRequestBytes: unlessOff(values.number('largeRequestThreshold')),
    largeRequestBytesMax: values.number('largeRequestMaxBytes'),
  })
}

function tokens(values: CfgValues): Partial<ClientPortOptions> {
  const weights = {
    global: values.number('connection_throttle_global_session_weight') ?? 3,
    renew: values.number('connection_throttle_renew_session_weight') ?? 2,
    local: values.number('connection_throttle_local_session_weight') ?? 1,
  }
  return given({
    connectionTokensMax: values.number('connection_throttle_tokens'),
    connectionTokensFillMs: values.number('connection_throttle_fill_time'),
    connectionTokensFillCount: values.number('connection_throttle_fill_count'),
    connectionTokensFreezeMs: values.number('connection_throttle_freeze_time'),
    connectionDropIncrease: values.fraction('connection_throttle_drop_increase'),
    connectionDropDecrease: values.fraction('connection_throttle_drop_decrease'),
    connectionDropDecreaseRatio: values.fraction('connection_throttle_decrease_ratio'),
    connectionTokenWeights: values.flag('connection_throttle_weight_enabled') === true ? weights : undefined,
  })
}

function unlessMinusOne(number: number | undefined): number | undefined {
  return number === -1 ? undefined : number
}

/** Nothing is large. */
function unlessOff(bytes: number | undefined): number | undefined {
  return bytes === undefined || bytes > 0 ? bytes : 0
}
