# Torvus from Ruby: needs 3.0 or later, no gem.
#
#   TORVUS_API_KEY=torvus_sk_test_… ruby client.rb
#
# Exit codes: 2 the key is not accepted (401), 3 it may not do this (403), 1 anything else.
require "json"
require "net/http"
require "securerandom"

class Torvus
  TRIES = 5

  class Failure < StandardError
    attr_reader :exit_code

    def initialize(exit_code, message)
      super(message)
      @exit_code = exit_code
    end
  end

  def self.open(url, key)
    uri = URI(url)
    Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == "https",
                    open_timeout: 5, read_timeout: 30, write_timeout: 30) do |http|
      yield new(http, key)
    end
  end

  def initialize(http, key)
    @http = http
    @key = key
  end

  def get(path) = call(Net::HTTP::Get.new(path))

  # One Idempotency-Key for all tries: whatever happens on the way, one thing is made.
  def post(path, body)
    request = Net::HTTP::Post.new(path, "Content-Type" => "application/json", "Idempotency-Key" => SecureRandom.uuid)
    request.body = JSON.generate(body)
    call(request)
  end

  # Not the default, which would show the key wherever the object is printed.
  def inspect = "#<#{self.class}>"

  private

  def call(request)
    request["Authorization"] = "Bearer #{@key}"
    (1..).each do |attempt|
      answer = @http.request(request)
      case answer
      when Net::HTTPSuccess then return JSON.parse(answer.body)
      when Net::HTTPUnauthorized
        raise Failure.new(2, "401: the key is wrong, expired or revoked; check TORVUS_API_KEY")
      when Net::HTTPForbidden
        scope = answer["WWW-Authenticate"].to_s[/scope="([^"]+)"/, 1]
        raise Failure.new(3, %(403: the key lacks the permission "#{scope}")) if scope

        raise Failure.new(3, "403: not allowed for this key, from this address")
      when Net::HTTPTooManyRequests, Net::HTTPServiceUnavailable
        raise Failure.new(1, "#{answer.code}: gave up after #{TRIES} tries") if attempt == TRIES
        # 429 says how long; for 503, 1, 2, 4 … seconds, less a part by chance so that clients spread out.
        wait = answer.code == "429" ? Integer(answer["Retry-After"]) : 2**(attempt - 1) * rand(0.5..1.0)
        warn "#{answer.code}: trying again in #{wait.round(1)} s"
        sleep wait
      else
        raise Failure.new(1, "#{answer.code}: #{answer.body}")
      end
    end
  end
end

begin
  url = ENV.fetch("TORVUS_URL", "http://127.0.0.1:8080")
  key = ENV.fetch("TORVUS_API_KEY", "")
  abort "set TORVUS_API_KEY" if key.empty?
  Torvus.open(url, key) do |torvus|
    account = torvus.get("/v1/account")
    puts "account #{account["account_id"]}, plan #{account["plan"]}"
    puts "created #{torvus.post("/v1/vaults", { name: "From Ruby" })["id"]}"
    torvus.get("/v1/vaults?limit=100")["data"].each { |vault| puts "#{vault["id"]}  #{vault["name"]}" }
  end
rescue Torvus::Failure => e
  warn e.message
  exit e.exit_code
rescue SystemCallError, SocketError, Timeout::Error, EOFError, OpenSSL::SSL::SSLError => e
  abort "no answer from #{url}: #{e.class}"
end
