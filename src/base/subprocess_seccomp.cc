// The system calls a sandboxed program is refused, as a classic BPF program.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "base/subprocess.h"

namespace parley::base {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kArchitecture = 0;
#endif

// System calls whose numbers are the same on every architecture, newer than some headers.
constexpr uint32_t kClone3 = 435, kIoUringSetup = 425, kIoUringEnter = 426, kIoUringRegister = 427;
constexpr uint32_t kPidfdSendSignal = 424, kPidfdOpen = 434, kPidfdGetfd = 438;
constexpr uint32_t kMountCalls[] = {428, 429, 430, 431, 432, 433, 442};  // open_tree … setattr

// Refused whatever the rules say: nothing the code of an answer has a use for.
constexpr uint32_t kNever[] = {SYS_ptrace,
                               SYS_process_vm_readv,
                               SYS_process_vm_writev,
                               SYS_mount,
                               SYS_umount2,
                               SYS_pivot_root,
                               SYS_chroot,
                               SYS_setns,
                               SYS_unshare,
                               SYS_bpf,
                               SYS_perf_event_open,
                               SYS_userfaultfd,
                               SYS_keyctl,
                               SYS_add_key,
                               SYS_request_key,
                               SYS_init_module,
                               SYS_finit_module,
                               SYS_delete_module,
                               SYS_kexec_load,
                               SYS_reboot,
                               SYS_swapon,
                               SYS_swapoff,
                               SYS_acct,
                               SYS_settimeofday,
                               SYS_clock_settime,
                               SYS_sethostname,
                               SYS_setdomainname,
                               SYS_personality,
                               SYS_quotactl,
                               SYS_open_by_handle_at,
                               SYS_name_to_handle_at,
                               kIoUringSetup,
                               kIoUringEnter,
                               kIoUringRegister,
                               kPidfdGetfd};

constexpr uint32_t kSignals[] = {
    SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, kPidfdSendSignal, kPidfdOpen};

class FilterBuilder {
 public:
  void load(uint32_t offset) { add(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset); }
  void answer(uint32_t value) { add(BPF_RET | BPF_K, 0, 0, value); }
  // The next instruction runs only if the loaded value is `value`.
  void if_equal(uint32_t value) { add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value); }
  void if_not_equal(uint32_t value) { add(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value); }
  void if_at_least(uint32_t value) { add(BPF_JMP | BPF_JGE | BPF_K, 0, 1, value); }
  // The next `count` instructions run only if …
  void if_call(uint32_t call, uint8_t count) { add(BPF_JMP | BPF_JEQ | BPF_K, 0, count, call); }
  void if_no_bits(uint32_t bits) { add(BPF_JMP | BPF_JSET | BPF_K, 1, 0, bits); }
  void refuse(uint32_t call, uint32_t error = EPERM) {
    if_equal(call);
    answer(SECCOMP_RET_ERRNO | error);
  }
  std::string bytes() const {
    return {reinterpret_cast<const char*>(code_.data()), code_.size() * sizeof(sock_filter)};
  }

 private:
  void add(int code, uint8_t yes, uint8_t no, uint32_t k) {
    code_.push_back({static_cast<uint16_t>(code), yes, no, k});
  }
  std::vector<sock_filter> code_;
};

// The low half of a call's first argument, on little-endian machines.
constexpr uint32_t kFirstArgument = offsetof(seccomp_data, args);
constexpr uint32_t kNumber = offsetof(seccomp_data, nr);

}  // namespace

std::string seccomp_filter(const SeccompRules& rules) {
  if (kArchitecture == 0) return {};
  FilterBuilder filter;
  filter.load(offsetof(seccomp_data, arch));
  filter.if_not_equal(kArchitecture);  // 32-bit calls have other numbers
  filter.answer(SECCOMP_RET_KILL_PROCESS);
  filter.load(kNumber);
#if defined(__x86_64__)
  filter.if_at_least(0x40000000);  // the x32 numbers
  filter.answer(SECCOMP_RET_ERRNO | ENOSYS);
#endif
  for (const uint32_t call : kNever) filter.refuse(call);
  for (const uint32_t call : kMountCalls) filter.refuse(call);
  if (!rules.allow_kill)
    for (const uint32_t call : kSignals) filter.refuse(call);
  if (!rules.allow_fork) {
#if defined(__x86_64__)
    filter.refuse(SYS_fork, EAGAIN);
    filter.refuse(SYS_vfork, EAGAIN);
#endif
    // clone3 takes its flags through memory, which a filter cannot read: the C library falls back
    // to clone.
    filter.refuse(kClone3, ENOSYS);
    filter.if_call(SYS_clone, 4);
    filter.load(kFirstArgument);
    filter.if_no_bits(CLONE_THREAD);
    filter.answer(SECCOMP_RET_ERRNO | EAGAIN);
    filter.answer(SECCOMP_RET_ALLOW);
  }
  if (!rules.allow_network) {
    filter.if_call(SYS_socket, 4);
    filter.load(kFirstArgument);
    filter.if_not_equal(AF_UNIX);
    filter.answer(SECCOMP_RET_ERRNO | EACCES);
    filter.answer(SECCOMP_RET_ALLOW);
  }
  filter.answer(SECCOMP_RET_ALLOW);
  return filter.bytes();
}

}  // namespace parley::base
