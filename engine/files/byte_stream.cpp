#include "engine/files/files.hpp"

#include "engine/component/interruption.hpp"
#include "engine/files/arriving_stream.hpp"
#include "engine/files/file_faults.hpp"
#include "engine/files/foreign_bytes.hpp"
#include "engine/files/interruptible_stream.hpp"

#include <arrow/result.h>
#include <arrow/util/compression.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace sluice {

namespace {

constexpr std::int64_t packed_block = 256 * 1024;
constexpr int pause_milliseconds = 300;   // of standard input, after which what has come is looked at
constexpr int together_milliseconds = 2;  // bytes that come so soon after each other are handed out together

/// True where standard input has bytes or has ended, after at most so long; -1: however long it takes.
bool input_is_ready(int milliseconds) {
  pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  int ready = 0;
  while ((ready = ::poll(&input, 1, milliseconds)) < 0 && errno == EINTR) {
  }
  return ready != 0;
}

/// Reads a file or standard input from its begin.
class plain_stream : public byte_stream {
 public:
  plain_stream(std::string name, int handle, bool owned, std::int64_t size = -1)
      : name_(std::move(name)), handle_(handle), owned_(owned), size_(size) {}
  ~plain_stream() override {
    if (owned_) ::close(handle_);
  }

  result<std::int64_t> read(std::uint8_t* into, std::int64_t size) override {
    std::int64_t done = 0;
    while (done < size) {
      const auto got = ::read(handle_, into + done, static_cast<std::size_t>(size - done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return from_errno(errno, "read " + name_);
      if (got == 0 && consumed_ + done < size_) return source_shrank(name_, size_, consumed_ + done);
      if (got == 0) break;
      done += got;
    }
    consumed_ += done;
    return done;
  }
  /// What one call of the system gives; 0 at the end.
  result<std::int64_t> read_some(std::uint8_t* into, std::int64_t size) {
    for (;;) {
      const auto got = ::read(handle_, into, static_cast<std::size_t>(size));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return from_errno(errno, "read " + name_);
      consumed_ += got;
      return got;
    }
  }
  [[nodiscard]] std::int64_t consumed() const override { return consumed_; }

 private:
  std::string name_;
  int handle_;
  bool owned_;
  std::int64_t size_;  ///< that it had; -1: not known
  std::int64_t consumed_ = 0;
};

/// Keeps what was peeked at from standard input until its one reader comes.
struct standard_input {
  std::mutex lock;
  std::string peeked;
  bool ended = false;
  bool taken = false;
  bool live = false;    ///< show_standard_input_as_it_comes
  bool paused = false;  ///< it has paused once: nobody waits for more than what is there

  static standard_input& get() {
    static standard_input only;
    return only;
  }
};

class standard_input_stream : public byte_stream, public interruptible_stream, public arriving_stream {
 public:
  explicit standard_input_stream(std::string first) : first_(std::move(first)) {}

  // As much as was asked for, like any other stream; but whoever waits for the next byte can be told to stop.
  result<std::int64_t> read(std::uint8_t* into, std::int64_t size) override {
    auto done = take_kept(into, size);
    while (done < size) {
      SLUICE_ASSIGN(const auto more, take_next(into + done, size - done));
      if (more == 0) break;
      done += more;
    }
    return done;
  }
  [[nodiscard]] bool arrives() const override { return true; }
  result<std::int64_t> read_some(std::uint8_t* into, std::int64_t size) override {
    auto done = take_kept(into, size);
    if (done > 0) return done;
    while (done < size && (done == 0 || input_is_ready(together_milliseconds))) {
      SLUICE_ASSIGN(const auto more, take_next(into + done, size - done));
      if (more == 0) break;
      done += more;
    }
    return done;
  }
  [[nodiscard]] bool ready() override { return at_ < first_.size() || input_is_ready(0); }
  [[nodiscard]] std::int64_t consumed() const override { return consumed_; }
  void interrupt() noexcept override { stopped_.raise(); }

 private:
  /// Of what was peeked at.
  std::int64_t take_kept(std::uint8_t* into, std::int64_t size) {
    const auto kept = std::min<std::int64_t>(size, static_cast<std::int64_t>(first_.size() - at_));
    std::memcpy(into, first_.data() + at_, static_cast<std::size_t>(kept));
    at_ += static_cast<std::size_t>(kept);
    if (at_ == first_.size()) {
      first_.clear();
      first_.shrink_to_fit();
      at_ = 0;
    }
    consumed_ += kept;
    return kept;
  }
  /// At least one byte; 0 at the end.
  result<std::int64_t> take_next(std::uint8_t* into, std::int64_t size) {
    for (;;) {
      if (!stopped_.wait_readable(STDIN_FILENO)) return interrupted_error("reading standard input");
      const auto more = ::read(STDIN_FILENO, into, static_cast<std::size_t>(size));
      if (more < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (more < 0) return from_errno(errno, "read standard input");
      consumed_ += more;
      return more;
    }
  }

  std::string first_;
  std::size_t at_ = 0;
  interruption stopped_;
  std::int64_t consumed_ = 0;
};

/// Reads standard input from its begin and keeps all that it reads for who reads it after us.
class peeking_stream : public byte_stream {
 public:
  /// `lines`: the bytes are text, in which a line feed ends a line.
  explicit peeking_stream(bool lines) : lines_(lines) {}

  result<std::int64_t> read(std::uint8_t* into, std::int64_t size) override {
    auto& input = standard_input::get();
    const std::lock_guard guard(input.lock);
    if (input.taken)
      return user_error("input_used_twice", "standard input is already being read",
                        "only one source of a run can read path: -");
    auto end = at_ + size;
    if (input.live && lines_) {
      SLUICE_ASSIGN(end, gather_lines(input, end));
    } else {
      SLUICE_TRY(gather(input, end));
    }
    end = std::min(end, static_cast<std::int64_t>(input.peeked.size()));
    const auto some = std::clamp<std::int64_t>(end - at_, 0, size);
    std::memcpy(into, input.peeked.data() + at_, static_cast<std::size_t>(some));
    at_ += some;
    return some;
  }
  [[nodiscard]] std::int64_t consumed() const override { return at_; }

 private:
  static result<std::int64_t> read_more(standard_input& input, std::int64_t wanted, bool all) {
    plain_stream stream("standard input", STDIN_FILENO, false);
    const auto had = input.peeked.size();
    input.peeked.resize(had + static_cast<std::size_t>(wanted));
    auto* const into = reinterpret_cast<std::uint8_t*>(input.peeked.data()) + had;
    auto got = all ? stream.read(into, wanted) : stream.read_some(into, wanted);
    const auto more = got.ok() ? *got : 0;
    input.peeked.resize(had + static_cast<std::size_t>(more));
    input.ended = got.ok() && (all ? more < wanted : more == 0);
    return got;
  }

  /// Reads until so many bytes were peeked at, or the input ends.
  static status gather(standard_input& input, std::int64_t wanted) {
    const auto left = wanted - static_cast<std::int64_t>(input.peeked.size());
    if (left <= 0 || input.ended) return {};
    SLUICE_TRY(read_more(input, left, true));
    return {};
  }

  /// The same, but where the input pauses behind a whole line, that is all there is; gives where it ends.
  static result<std::int64_t> gather_lines(standard_input& input, std::int64_t wanted) {
    while (static_cast<std::int64_t>(input.peeked.size()) < wanted && !input.ended) {
      const auto& text = input.peeked;
      if (text.size() >= 10 && may_be_packed(std::string_view(text).substr(0, 10))) {
        SLUICE_TRY(gather(input, wanted));
        return wanted;
      }
      const auto line_end = text.rfind('\n');
      if (line_end != std::string::npos && !input_is_ready(input.paused ? 0 : pause_milliseconds)) {
        input.paused = true;
        return static_cast<std::int64_t>(line_end) + 1;
      }
      SLUICE_TRY(read_more(input, std::min<std::int64_t>(wanted - std::ssize(text), packed_block), false));
    }
    return wanted;
  }

  bool lines_;
  std::int64_t at_ = 0;
};

result<std::unique_ptr<byte_stream>> open_standard_input() {
  auto& input = standard_input::get();
  const std::lock_guard guard(input.lock);
  if (input.taken)
    return user_error("input_used_twice", "standard input is already being read",
                      "only one source of a run can read path: -");
  input.taken = true;
  return std::unique_ptr<byte_stream>(new standard_input_stream(std::move(input.peeked)));
}

arrow::Compression::type arrow_kind(compression kind) {
  switch (kind) {
    case compression::gzip:
      return arrow::Compression::GZIP;
    case compression::zstd:
      return arrow::Compression::ZSTD;
    case compression::lz4:
      return arrow::Compression::LZ4_FRAME;
    case compression::bz2:
      return arrow::Compression::BZ2;
    case compression::none:
    case compression::by_content:
      break;
  }
  return arrow::Compression::UNCOMPRESSED;
}

/// Unpacks what another stream gives, stream after stream where several follow each other.
class unpacking_stream : public byte_stream, public interruptible_stream {
 public:
  unpacking_stream(std::string name, std::unique_ptr<byte_stream> from,
                   std::shared_ptr<arrow::util::Decompressor> codec)
      : name_(std::move(name)), from_(std::move(from)), codec_(std::move(codec)), packed_(packed_block) {}

  result<std::int64_t> read(std::uint8_t* into, std::int64_t size) override {
    std::int64_t done = 0;
    while (done < size) {
      if (begin_ == end_ && !ended_) SLUICE_TRY(fill());
      if (begin_ == end_ && between_) break;  // the packed bytes end where a stream ends
      if (codec_->IsFinished()) {
        SLUICE_TRY_ARROW(codec_->Reset(), "decompress " + name_);
      }
      between_ = false;
      const auto step = codec_->Decompress(end_ - begin_, packed_.data() + begin_, size - done, into + done);
      if (!step.ok()) return corrupt(step.status().message());
      begin_ += step->bytes_read;
      done += step->bytes_written;
      between_ = codec_->IsFinished();
      const bool stuck = step->bytes_read == 0 && step->bytes_written == 0 && !between_;
      if (stuck && ended_) return corrupt("it is truncated");
      if (stuck && begin_ != end_) SLUICE_TRY(fill());
    }
    return done;
  }
  [[nodiscard]] std::int64_t consumed() const override { return from_->consumed() - (end_ - begin_); }
  void interrupt() noexcept override { interrupt_stream(*from_); }

 private:
  [[nodiscard]] error corrupt(const std::string& why) const {
    return user_error("corrupt_file", "can't decompress " + name_ + ": " + why,
                      "the file is damaged, incomplete, or compressed with another method than `compression` says");
  }

  /// Reads more packed bytes behind those that are left.
  status fill() {
    std::memmove(packed_.data(), packed_.data() + begin_, static_cast<std::size_t>(end_ - begin_));
    end_ -= begin_;
    begin_ = 0;
    if (end_ == static_cast<std::int64_t>(packed_.size())) packed_.resize(packed_.size() * 2);
    const auto room = static_cast<std::int64_t>(packed_.size()) - end_;
    SLUICE_ASSIGN(const auto got, from_->read(packed_.data() + end_, room));
    ended_ = got < room;
    end_ += got;
    return {};
  }

  std::string name_;
  std::unique_ptr<byte_stream> from_;
  std::shared_ptr<arrow::util::Decompressor> codec_;
  std::vector<std::uint8_t> packed_;
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  bool ended_ = false;
  bool between_ = true;  ///< no packed stream is open: the file may end here
};

class arrow_packer : public packer {
 public:
  explicit arrow_packer(std::shared_ptr<arrow::util::Compressor> codec) : codec_(std::move(codec)) {}

  status pack(std::string_view bytes, std::string& out) override {
    const auto* from = reinterpret_cast<const std::uint8_t*>(bytes.data());
    auto left = static_cast<std::int64_t>(bytes.size());
    while (left > 0) {
      auto* const to = make_room(out);
      SLUICE_ASSIGN_ARROW(const auto step, codec_->Compress(left, from, room_, to), "compress the output");
      keep(out, step.bytes_written);
      if (step.bytes_read == 0 && step.bytes_written == 0) room_ *= 2;
      from += step.bytes_read;
      left -= step.bytes_read;
    }
    return {};
  }

  status finish(std::string& out) override {
    for (bool again = true; again;) {
      auto* const to = make_room(out);
      SLUICE_ASSIGN_ARROW(const auto step, codec_->End(room_, to), "compress the output");
      keep(out, step.bytes_written);
      again = step.should_retry;
      if (again && step.bytes_written == 0) room_ *= 2;
    }
    return {};
  }

 private:
  /// Makes room behind what `out` holds; `keep` says how much of it was used.
  std::uint8_t* make_room(std::string& out) {
    used_ = out.size();
    out.resize(used_ + static_cast<std::size_t>(room_));
    return reinterpret_cast<std::uint8_t*>(out.data()) + used_;
  }
  void keep(std::string& out, std::int64_t written) { out.resize(used_ + static_cast<std::size_t>(written)); }

  std::shared_ptr<arrow::util::Compressor> codec_;
  std::int64_t room_ = packed_block;
  std::size_t used_ = 0;
};

result<std::unique_ptr<arrow::util::Codec>> make_codec(compression kind) {
  SLUICE_ASSIGN_ARROW(auto codec, arrow::util::Codec::Create(arrow_kind(kind)), "set up the compression");
  return codec;
}

}  // namespace

namespace {

/// Gives bytes that were read too early, then the rest.
class prefixed_stream : public byte_stream, public interruptible_stream, public arriving_stream {
 public:
  prefixed_stream(std::string first, std::unique_ptr<byte_stream> rest)
      : first_(std::move(first)), rest_(std::move(rest)) {}

  result<std::int64_t> read(std::uint8_t* into, std::int64_t size) override {
    const auto kept = std::min<std::int64_t>(size, static_cast<std::int64_t>(first_.size() - at_));
    std::memcpy(into, first_.data() + at_, static_cast<std::size_t>(kept));
    at_ += static_cast<std::size_t>(kept);
    if (kept == size) return size;
    SLUICE_ASSIGN(const auto more, rest_->read(into + kept, size - kept));
    return kept + more;
  }
  [[nodiscard]] bool arrives() const override { return as_arriving(*rest_) != nullptr; }
  result<std::int64_t> read_some(std::uint8_t* into, std::int64_t size) override {
    if (at_ == first_.size()) return read_arrived(*rest_, into, size);
    return read(into, std::min<std::int64_t>(size, static_cast<std::int64_t>(first_.size() - at_)));
  }
  [[nodiscard]] bool ready() override {
    auto* const rest = as_arriving(*rest_);
    return at_ < first_.size() || rest == nullptr || rest->ready();
  }
  [[nodiscard]] std::int64_t consumed() const override { return rest_->consumed(); }
  void interrupt() noexcept override { interrupt_stream(*rest_); }

 private:
  std::string first_;
  std::size_t at_ = 0;
  std::unique_ptr<byte_stream> rest_;
};

/// Unpacks what comes and turns it into UTF-8, as the file says.
result<std::unique_ptr<byte_stream>> unpacked_text(std::unique_ptr<byte_stream> stream, const input_file& file) {
  auto packed = file.packed;
  if (packed == compression::by_content) {
    SLUICE_ASSIGN(auto first, read_begin(*stream, 10, may_be_packed));
    packed = packed_as(first);
    stream = std::make_unique<prefixed_stream>(std::move(first), std::move(stream));
  }
  if (packed != compression::none) {
    SLUICE_ASSIGN(const auto codec, make_codec(packed));
    SLUICE_ASSIGN_ARROW(auto unpacker, codec->MakeDecompressor(), "decompress " + file.name);
    stream = std::make_unique<unpacking_stream>(file.name, std::move(stream), std::move(unpacker));
  }
  if (file.encoding == text_encoding::as_it_is) return stream;
  return decode_stream(std::move(stream), file.name, file.encoding);
}

}  // namespace

result<std::unique_ptr<byte_stream>> open_stream(const input_file& file) {
  std::unique_ptr<byte_stream> stream;
  if (file.path == "-") {
    SLUICE_ASSIGN(stream, open_standard_input());
  } else {
    const int handle = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (handle < 0) return from_errno(errno, "open " + file.name);
    stream = std::make_unique<plain_stream>(file.name, handle, true, file.size);
  }
  return unpacked_text(std::move(stream), file);
}

void show_standard_input_as_it_comes() {
  auto& input = standard_input::get();
  const std::lock_guard guard(input.lock);
  input.live = true;
}

result<std::string> read_begin(byte_stream& stream, std::int64_t most, bool (*wants_more)(std::string_view)) {
  std::string first;
  while (std::ssize(first) < most && (first.empty() || wants_more(first))) {
    const auto had = first.size();
    first.resize(static_cast<std::size_t>(most));
    SLUICE_ASSIGN(const auto got, read_arrived(stream, reinterpret_cast<std::uint8_t*>(first.data()) + had,
                                               most - static_cast<std::int64_t>(had)));
    first.resize(had + static_cast<std::size_t>(got));
    if (got == 0 || as_arriving(stream) == nullptr) break;
  }
  return first;
}

status skip_bytes(byte_stream& stream, std::int64_t count) {
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min<std::int64_t>(count, packed_block)));
  while (count > 0) {
    SLUICE_ASSIGN(const auto got, stream.read(buffer.data(), std::min<std::int64_t>(count, std::ssize(buffer))));
    if (got == 0) break;
    count -= got;
  }
  return {};
}

result<std::string> peek_file(const input_file& file, std::int64_t bytes) {
  std::unique_ptr<byte_stream> stream;
  if (file.path == "-") {
    const bool lines = file.encoding == text_encoding::utf8;
    SLUICE_ASSIGN(stream, unpacked_text(std::make_unique<peeking_stream>(lines), file));
  } else {
    SLUICE_ASSIGN(stream, open_stream(file));
  }
  std::string text(static_cast<std::size_t>(bytes), '\0');
  SLUICE_ASSIGN(const auto got, stream->read(reinterpret_cast<std::uint8_t*>(text.data()), bytes));
  text.resize(static_cast<std::size_t>(got));
  return text;
}

result<std::unique_ptr<packer>> make_packer(compression kind) {
  if (kind == compression::none) return std::unique_ptr<packer>();
  SLUICE_ASSIGN(const auto codec, make_codec(kind));
  SLUICE_ASSIGN_ARROW(auto compressor, codec->MakeCompressor(), "set up the compression");
  return std::unique_ptr<packer>(new arrow_packer(std::move(compressor)));
}

}  // namespace sluice
