# The service in production: the sources, run by Node as they are, and production dependencies only.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin/global-logout.js ./bin/
COPY migrations ./migrations
COPY src ./src
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
EXPOSE 4000
# The image's user `node`, by number, so that an orchestrator can see that it is not root.
USER 1000:1000
# Long enough for a start that waits 30 seconds for its database.
HEALTHCHECK --interval=10s --timeout=3s --start-period=40s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the first process: SIGTERM reaches it, and what is under way is finished.
CMD ["node", "bin/global-logout.js", "start"]
