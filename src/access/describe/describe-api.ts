import { pino } from 'pino';
import { Health } from '../health/health.ts';
import { makeApp } from '../open-access.ts';
import type { Services } from '../services.ts';
import { openApiDocument } from './openapi.ts';

/** The OpenAPI document as it is committed, made without a server: describing the API asks nothing of what it stands on. */
export async function describeApi(): Promise<string> {
  const idle = { now: () => 0, onCommit: () => () => {} };
  const workers = { add: () => () => {} };
  const health = new Health('0.1.0', false);
  const services = { store: idle, workers, identity: {}, health, version: '0.1.0' } as unknown as Services;
  const { app, stop } = await makeApp(services, pino({ level: 'silent' }));
  try {
    return `${JSON.stringify(openApiDocument(app), null, 2)}\n`;
  } finally {
    await stop();
  }
}
