/** What `verify` reports. */

/** A mismatch between the chain and the operations. */
export interface Finding {
  kind:
    | 'operation_changed'
    | 'operation_missing'
    | 'operation_unsealed'
    | 'operation_emptied'
    | 'erasure_changed'
    | 'revocation_count_mismatch'
    | 'link_changed'
    | 'link_missing'
    | 'head_changed'
    | 'head_not_as_noted'
  /** The affected link and operation. */
  seq?: number
  operationId?: string
  /** For people to read. */
  detail: string
}
