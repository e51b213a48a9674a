-- Asks global-logout for the user of this request, and stores the answer in variables. haproxy.cfg decides by them: any
-- error here leaves them unset, and the request is refused.
core.register_action("check", { "http-req" }, function(txn)
  local received = txn.http:req_get_headers()
  -- HAProxy's lists begin at 0 and the HTTP client's at 1.
  local function all(name)
    local values = received[name]
    return values and table.move(values, 0, #values, 1, {})
  end
  local answer = core.httpclient():get({
    url = "http://global-logout/check",
    dst = "abns@checks-of-4000",
    headers = {
      cookie = all("cookie"),
      authorization = all("authorization"),
      -- To record reused revoked tokens with their source. haproxy.cfg has set the first header.
      ["x-forwarded-for"] = all("x-forwarded-for"),
      ["user-agent"] = all("user-agent"),
      -- Prefetches and polling do not keep a session alive.
      ["sec-purpose"] = all("sec-purpose"),
      ["x-session-activity"] = all("x-session-activity"),
    },
  })
  local function first(name)
    return answer.headers[name] and answer.headers[name][0]
  end
  txn:set_var("txn.user_id", first("x-user-id"))
  txn:set_var("txn.session_id", first("x-session-id"))
  txn:set_var("txn.challenge", first("www-authenticate"))
  txn:set_var("txn.status", answer.status)
end)
