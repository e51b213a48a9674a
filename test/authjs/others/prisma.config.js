/** Prisma only generates here; the tests connect by themselves. */
export default { schema: 'schema.prisma', datasource: { url: 'postgresql://nobody@127.0.0.1:1/none' } }
