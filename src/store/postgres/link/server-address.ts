import { CoaxError } from '../../../errors/coax-error.ts';

/** One server of a `postgres://` URL: how to connect, and how to name it without its password. */
export interface ServerAddress {
  readonly url: string;
  /** host:port/database */
  readonly where: string;
}

const URL_FORM = /^(postgres(?:ql)?:\/\/)([^/?#]*@)?([^/?#]*)(\/[^?#]*)?(\?[^#]*)?$/;

/**
 * The servers of a URL, which may name several hosts (`postgres://user@a:5432,b:5432/coax`, as libpq takes them): the first
 * that can be written to is used. COAX_USAGE when it is no such URL.
 */
export function parseServers(url: string): readonly ServerAddress[] {
  const parts = URL_FORM.exec(url);
  if (parts === null)
    throw new CoaxError('COAX_USAGE', 'that is not the URL of a PostgreSQL database', {
      where: 'COAX_STORE',
      hint: 'As in postgres://user:password@host:5432/database.',
    });
  const [, scheme, user = '', hosts = '', path = '', query = ''] = parts;
  return hosts.split(',').map(host => {
    // A socket's folder comes as `?host=/run/postgresql`.
    const folder = new URLSearchParams(query).get('host');
    const named = host === '' ? (folder ?? 'localhost') : decodeURIComponent(host);
    const port = /:\d+$/.test(named) || named.startsWith('/') ? '' : ':5432';
    return { url: `${scheme}${user}${host}${path}${query}`, where: `${named}${port}${path}` };
  });
}
