import { installationSchema } from '../../src/cli/installation-schema.ts';
import { openFixture } from '../system/cloud-fixture.ts';
import { quotaSuite } from '../system/quota-suite.ts';
import { postgresTests } from './fixture.ts';

const { withDatabase } = postgresTests();

quotaSuite(3, (many, use) =>
  withDatabase(async ({ open }) => {
    await using opened = new AsyncDisposableStack();
    const fixtures = [];
    for (let at = 0; at < many; at++)
      fixtures.push(opened.use(await openFixture({ openStore: () => open({ schema: installationSchema }) })));
    await use(fixtures);
  }),
);
