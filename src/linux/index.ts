/** What programs import from `coax/linux`: running programs as Coax runs them, daemons, looking at the memory of others, calling C, and netlink. Knows nothing of Coax. */
export { aboutLimits, type LimitsHere, limitsHere } from './cgroup/limits-here.ts';
export { type Daemon, type DaemonOptions, daemonize } from './daemon/daemonize.ts';
export { type ListenDescriptor, listenDescriptors } from './daemon/listen-descriptors.ts';
export { redirectOutput, reopenLogOnHangUp } from './daemon/log-file.ts';
export {
  type NotifyFields,
  notify,
  notifyReady,
  notifyReloading,
  notifyStatus,
  notifyStopping,
} from './daemon/notify.ts';
export { NotifySocket } from './daemon/notify-socket.ts';
export { holdPidFile, type PidFile } from './daemon/pid-file.ts';
export { beginNoConnections, connectionsQueued } from './daemon/refuse-connections.ts';
export { DaemonFault, type DaemonSpec, type StartedDaemon, startDaemon } from './daemon/start-daemon.ts';
export { isStartedAnew, ownUnit } from './daemon/started-anew.ts';
export { startWatchdog } from './daemon/watchdog.ts';
export { LinuxError } from './linux-error.ts';
export { type MemoryOfMapping, type MemoryUse, memoryUse } from './memory/memory-use.ts';
export type { Repeat } from './memory/repeats.ts';
export { type MemorySearch, type MemorySearchOptions, searchMemory } from './memory/search-memory.ts';
export type { Argument, Pointer } from './native/arguments.ts';
export { ErrnoError } from './native/errno.ts';
export { headerTable } from './native/header/header-table.ts';
export { readTable } from './native/header/read-table.ts';
export { _IO, _IOR, _IOW, _IOWR, type IoctlRequest, ioctlRequest } from './native/ioctl.ts';
export { libc } from './native/libc.ts';
export { type Library, type NativeFunction, openLibrary } from './native/library.ts';
export { bytesAt, textAt } from './native/pointers.ts';
export { fieldsOf, type Struct, struct } from './native/structs.ts';
export { constants } from './native/tables.ts';
export { genericFamily } from './netlink/generic.ts';
export {
  type Address,
  addresses,
  type Link,
  links,
  type Neighbour,
  neighbours,
  type Route,
  type RouteChange,
  type RouteObject,
  routeChanges,
  routes,
} from './netlink/route.ts';
export {
  Accounts,
  type Delays,
  type DelaysCounted,
  delaysCounted,
  processAccounts,
  type ThreadAccounts,
} from './netlink/taskstats.ts';
export {
  type DetachedOptions,
  type DetachedProcess,
  type ExecEnd,
  type ExecOptions,
  exec,
  findProgram,
  ProgramMissing,
  spawnDetached,
  startDetached,
} from './process/exec.ts';
export type {
  ProcessCause,
  ProcessEnd,
  ProcessHooks,
  ProcessLimits,
  ProcessSpec,
  ResourceUse,
} from './process/process-spec.ts';
export { closeSpawners, runProcess, startSpawner } from './process/run-process.ts';
export { type CgroupUse, cgroupMount, cgroupsOf, cgroupUse, type ProcessCgroups } from './procfs/cgroup.ts';
export {
  type CpuTimes,
  type DiskStat,
  type MachineMemory,
  type MachineStat,
  readDiskStats,
  readMachineMemory,
  readMachineStat,
} from './procfs/machine.ts';
export { countByKind, type OpenFile, type OpenFileKind, openFiles } from './procfs/open-files.ts';
export { type Pressure, type PressureFigures, type PressureOf, readPressure } from './procfs/pressure.ts';
export { type ProcessIo, readProcessIo } from './procfs/process-io.ts';
export {
  type ProcessStat,
  readArguments,
  readProcessStat,
  readSchedulerStat,
  type SchedulerStat,
} from './procfs/process-stat.ts';
export { type ProcessStatus, readProcessStatus } from './procfs/process-status.ts';
export { processIds, readable, threadIds } from './procfs/read-proc.ts';
export { type Mapping, readSmaps } from './procfs/smaps.ts';
export { type MemoryRollup, readRollup, readRollupAside } from './procfs/smaps-rollup.ts';
export { mostPss, pssOf } from './usage/most-pss.ts';
export { type ProcessUse, useBetween } from './usage/process-use.ts';
export { type QemuGuest, qemuGuest } from './usage/qemu-guest.ts';
export { type ProcessSample, type Sample, Sampler } from './usage/sampler.ts';
