import { HttpChannel } from '../../src/client/http-channel.ts';
import { channelConformance } from '../../src/testing/channel-conformance.ts';
import { openServed, TOKEN } from '../system/access-fixture.ts';

channelConformance('over HTTP', {
  transactional: false,
  async open() {
    const served = await openServed();
    const channel = new HttpChannel({ url: served.url, token: TOKEN });
    return {
      store: served.store,
      channel,
      async close() {
        channel.close();
        await served[Symbol.asyncDispose]();
      },
    };
  },
});
