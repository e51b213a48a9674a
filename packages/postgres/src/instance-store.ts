/**
 * What an instance does in PostgreSQL (`src/leases/instance.ts` of the service), with the rights of an application: each is one call of a
 * function of `migrations/0003_applications.sql`, and a transaction of its own. The pool has one connection: a failover between the
 * heartbeat and the read of revocations would extend a lease that the new server never granted.
 */
import {
  type Acknowledgement,
  CONNECTION_ID,
  type InstanceStore,
  MAX_CHANGES,
  type Prepared,
  SERVER_ID,
} from './service-leases.ts'

/** One statement. Its rows are arrays. */
export type Query = <Row extends unknown[]>(statement: Prepared) => Promise<Row[]>

const JOIN = { name: 'join-instances', text: 'select global_logout.join_instances($1::uuid)' }
const LEAVE = { name: 'leave-instances', text: 'select global_logout.leave_instances($1::uuid)' }

const BEGIN = {
  name: 'read-beginning',
  text: `select snapshot, policy, ${CONNECTION_ID}, ${SERVER_ID}
    from global_logout.read_revocations($1::uuid, null)`,
}
const READ = {
  name: 'read-revocations',
  text: `select snapshot, policy, ${CONNECTION_ID}, tokens
    from global_logout.read_revocations($1::uuid, $2::pg_catalog.pg_snapshot)`,
}
/** On another connection the snapshot may mean nothing: after a failover, another server uses the same ids of transactions again. */
const ACKNOWLEDGE = {
  name: 'acknowledge-revocations',
  text: `select global_logout.acknowledge_revocations($1::uuid, $2::pg_catalog.pg_snapshot, $3::uuid[], $5::boolean)
    where ${CONNECTION_ID} operator(pg_catalog.=) $4::text`,
}

export function createInstanceStore(query: Query): InstanceStore {
  /** Of this process. */
  let own = ''

  async function read<Row extends unknown[]>(statement: Omit<Prepared, 'values'>, ...values: string[]) {
    const [row] = await query<[snapshot: string | null, policy: string, connectionId: string, ...Row]>({
      ...statement,
      values: [own, ...values],
    })
    const [snapshot, policy, connectionId, ...rest] = row ?? [null]
    if (snapshot === null) throw new Error('this instance has no row any more')
    return {
      changes: { snapshot, policy: policy as string, connectionId: connectionId as string },
      rest: rest as Row,
    }
  }

  async function acknowledge(
    id: string,
    { last, notices }: Acknowledgement,
    beats: boolean,
  ): Promise<boolean> {
    const values = [id, last.snapshot, `{${notices.join()}}`, last.connectionId, beats]
    const [row] = await query<[hasRow: boolean]>({ ...ACKNOWLEDGE, values })
    return row?.[0] ?? false
  }

  return {
    async add(id) {
      own = id
      await query({ ...JOIN, values: [id] })
    },
    heartbeat: (id, applied) => acknowledge(id, applied, true),
    acknowledge: (id, applied) => acknowledge(id, applied, false),
    async begin() {
      const { changes, rest } = await read<[server: string]>(BEGIN)
      return { ...changes, server: rest[0] }
    },
    async changes(since) {
      const { changes, rest } = await read<[tokens: string[]]>(READ, since)
      return { ...changes, tokens: rest[0].length > MAX_CHANGES ? null : rest[0] }
    },
    async remove(id) {
      await query({ ...LEAVE, values: [id] })
    },
  }
}
