/** The flows of the transcripts. */
export const FLOWS: Readonly<Record<string, string>> = {
  create_vm: `
name: create_vm
parameters: {cpu: {type: integer}, mem: {type: integer}}
steps:
  - resource select_host
  - network alloc_ip
  - {do: compute create_vm, at: host, retry: {attempts: 3, backoff: 1s, factor: 2}}
  - resource update_info
`,
  both: `
name: both
parameters: {}
steps:
  - resource select_host
  - all:
      - {name: disk, steps: [volume make]}
      - {name: net, steps: [network alloc_ip, network open]}
  - resource update_info
`,
  each_vm: `
name: each_vm
parameters: {names: {type: array}}
steps:
  - {each: names, as: name, limit: 2, collect: vms, steps: [compute create_vm]}
`,
  nested: `
name: nested
parameters: {names: {type: array}}
steps:
  - all:
      - {name: disk, steps: [volume make]}
      - {name: vms, steps: [{each: names, as: name, collect: vms, steps: [compute create_vm]}]}
`,
  each_host: `
name: each_host
parameters: {hosts: {type: array}, spare: {type: [string, integer]}}
steps:
  - {each: hosts, as: host, limit: 2, tolerate: spare, failed: left_out, collect: got, steps: [package install]}
`,
};
