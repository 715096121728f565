import type { DoctorView } from '../../../api/system.ts';
import type { CgiFolder } from '../../../cgi/cgi-folder.ts';

/** What `coax doctor` says of the folder of CGI scripts; nothing if the server has none. */
export function cgiChecks(folder: CgiFolder | null): DoctorView['items'] {
  if (folder === null) return [];
  const faults = folder.faults();
  if (faults.length === 0)
    return [
      { name: 'cgi', ok: true, about: `${folder.list().length} scripts in ${folder.dir} can be started` },
    ];
  return faults.map(({ where, reason }) => ({
    name: 'cgi',
    ok: false,
    about: `${where}: ${reason}`,
    fix: 'Mend that; `coax cgi ls` shows all scripts.',
  }));
}
