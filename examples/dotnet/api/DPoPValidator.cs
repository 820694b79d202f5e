using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Demo.Api;

/// <summary>RFC 9449 section 4.3, for a resource server.</summary>
public sealed class DPoPValidator(IMemoryCache seen, TimeProvider clock)
{
    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    /// <returns>null when the proof is good, else what is wrong.</returns>
    public async Task<string?> FaultAsync(HttpRequest request, string accessToken, JsonWebToken token)
    {
        if (!token.TryGetPayloadValue<JsonElement>("cnf", out var cnf) || !cnf.TryGetProperty("jkt", out var jkt))
            return "the access token is not bound to a key";
        var proofs = request.Headers["DPoP"];
        if (proofs.Count != 1) return "one DPoP header is needed";
        JsonWebToken proof;
        try { proof = new JsonWebToken(proofs[0]); } catch (ArgumentException) { return "the proof is no JWT"; }
        if (proof.Typ != "dpop+jwt") return "typ";
        if (!Algorithms.Contains(proof.Alg)) return "alg";
        if (!proof.TryGetHeaderValue<JsonElement>("jwk", out var jwkElement)) return "jwk";
        var jwk = new JsonWebKey(jwkElement.GetRawText());
        if (jwk.HasPrivateKey) return "private key in the proof";
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(proof, new TokenValidationParameters
        {
            ValidateIssuer = false, ValidateAudience = false, ValidateLifetime = false, IssuerSigningKey = jwk,
        });
        if (!result.IsValid) return "signature of the proof";
        if (Base64UrlEncoder.Encode(jwk.ComputeJwkThumbprint()) != jkt.GetString()) return "the proof is of another key";
        if (proof.Member("htm") != request.Method) return "htm";
        if (proof.Member("htu") != $"{request.Scheme}://{request.Host}{request.PathBase}{request.Path}") return "htu";
        if (proof.Member("ath") != Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(accessToken)))) return "ath";
        if (!long.TryParse(proof.Member("iat"), out var iat) || Math.Abs(clock.GetUtcNow().ToUnixTimeSeconds() - iat) > 60) return "iat";
        var jti = proof.Member("jti");
        if (string.IsNullOrEmpty(jti) || seen.TryGetValue(jti, out _)) return "jti";
        seen.Set(jti, true, TimeSpan.FromMinutes(3));
        return null;
    }
}

static class JwtExtensions
{
    public static string? Member(this JsonWebToken token, string name) =>
        token.TryGetPayloadValue<object>(name, out var value) ? Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) : null;
}
