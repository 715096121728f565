import { openFixture } from './cloud-fixture.ts';
import { quotaSuite } from './quota-suite.ts';

quotaSuite(1, async (_many, use) => {
  await using fixture = await openFixture();
  await use([fixture]);
});
