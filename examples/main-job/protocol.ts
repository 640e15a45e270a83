/** What the supervisor and the member processes tell each other over Node's own channel between parent and child. */
export const MEMBER_IDS = [1, 2, 3] as const

export interface MemberStatus {
  readonly role: string
  readonly leader: number | undefined
  readonly epoch: number
  readonly serving: boolean
  /** Last transaction applied: hexadecimal as ZooKeeper prints it, and its counter within the epoch. */
  readonly zxid: string
  readonly counter: number
}

export type FromMember =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'status'; readonly status: MemberStatus }
  | { readonly kind: 'left' }

export type ToMember =
  /** End your session, so that the others see you go. */
  | { readonly kind: 'leave' }
  /** Close your peer and end. */
  | { readonly kind: 'close' }
