/** Inputs and effects as short lines, for traces and their hash. */
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import type { PeerMessage } from '../core/zab/messages.js'
import type { Proposal } from '../model/proposal.js'
import type { Response } from '../model/response.js'
import type { Txn } from '../model/txn.js'
import { formatZxid, type Zxid } from '../model/zxid.js'

export function describeInput(input: Input): string {
  switch (input.kind) {
    case 'linked':
    case 'unlinked':
      return `${input.kind} ${input.peer} #${input.link}`
    case 'message':
      return `#${input.link} ${describeMessage(input.message)}`
    case 'request':
      return `request c${input.client}/${input.cxid} ${describeFields(input.request)}`
    case 'snapshotInstalled':
      return `snapshotInstalled ${input.op} ${formatZxid(input.image.zxid)}`
    case 'clientAttached': {
      const { resume, lastZxidSeen, embedded } = input.attachment
      return `clientAttached c${input.client} ${resume?.session ?? 'new'} seen ${formatZxid(lastZxidSeen)}${embedded ? ' embedded' : ''}`
    }
    default:
      return describeFields(input)
  }
}

export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'send':
      return `#${effect.link} ${describeMessage(effect.message)}`
    case 'append':
      return `append ${effect.op} ${effect.proposals.map(describeProposal).join(', ')}`
    case 'checkpoint':
      return `checkpoint ${effect.op} ${formatZxid(effect.changes.zxid)}`
    case 'installSnapshot':
      return `installSnapshot ${effect.op} #${effect.link} ${formatZxid(effect.begin.zxid)}`
    case 'attached':
      return `attached c${effect.client} ${effect.session} ${effect.timeoutMs}`
    case 'reply':
      return `reply c${effect.client}/${effect.cxid} ${formatZxid(effect.zxid)} ${describeResponse(effect.response)}`
    case 'notify':
      return `notify c${effect.client} ${describeFields(effect.event as unknown as { kind: string })}`
    case 'statusChanged': {
      const { role, phase, leader, epoch, serving } = effect.status
      return `statusChanged ${role} ${phase} leader ${leader ?? '-'} epoch ${epoch}${serving ? ' serving' : ''}`
    }
    case 'stop':
      return `stop ${effect.error === undefined ? '' : `${effect.error.code} ${effect.error.message}`}`
    default:
      return describeFields(effect)
  }
}

function describeMessage(message: PeerMessage): string {
  if (message.kind === 'proposal' || message.kind === 'inform')
    return `${message.kind} ${describeProposal(message.proposal)}`
  if (message.kind === 'request') return `request ${message.session}/${message.cxid} ${describeFields(message.request)}`
  return describeFields(message)
}

function describeProposal({ zxid, session, cxid, txn }: Proposal): string {
  return `${formatZxid(zxid)} ${session}/${cxid} ${describeTxn(txn)}`
}

function describeTxn(txn: Txn): string {
  if (txn.kind === 'multi') return `multi(${txn.steps.map(describeTxn).join(' ')})`
  return 'path' in txn ? `${txn.kind} ${txn.path}` : txn.kind === 'error' ? `error ${txn.code}` : txn.kind
}

function describeResponse(response: Response): string {
  switch (response.kind) {
    case 'created':
      return `created ${response.path}`
    case 'error':
      return response.code
    case 'multi':
      return `multi(${response.results.map(describeResponse).join(' ')})`
    default:
      return response.kind
  }
}

function describeFields(value: { readonly kind: string }): string {
  let text = value.kind
  for (const [name, field] of Object.entries(value)) {
    if (name === 'kind' || name === 'identities' || name === 'acl' || name === 'password' || field === undefined)
      continue
    text += ` ${name}=${describeField(field)}`
  }
  return text
}

function describeField(field: unknown): string {
  if (typeof field !== 'object' || field === null) return String(field)
  if (field instanceof Uint8Array) return `${field.length}B`
  if ('epoch' in field && 'counter' in field) return formatZxid(field as Zxid)
  if (Array.isArray(field))
    return `[${field.map(each => (typeof each === 'object' && each !== null && 'kind' in each ? describeFields(each) : String(each))).join(',')}]`
  return Object.values(field).map(String).join('/')
}
