using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;
using Demo.Api;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddMemoryCache();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<DPoPValidator>();
builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
    .Configure<IConfiguration>((options, configuration) =>
{
    options.Authority = configuration["HelseId:Authority"];
    options.Audience = configuration["HelseId:Audience"] ?? "mock:demo-api";
    options.RequireHttpsMetadata = configuration.GetValue("HelseId:RequireHttpsMetadata", true);
    options.MapInboundClaims = false;
    options.RefreshInterval = TimeSpan.FromSeconds(1);
    options.TokenValidationParameters.ValidTypes = ["at+jwt"];
    options.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(configuration.GetValue("HelseId:ClockSkew", 30));
    options.Events = new JwtBearerEvents
    {
        OnMessageReceived = context =>
        {
            var header = context.Request.Headers.Authorization.ToString();
            if (header.StartsWith("DPoP ", StringComparison.OrdinalIgnoreCase)) context.Token = header["DPoP ".Length..].Trim();
            else context.NoResult(); // Bearer is not taken
            return Task.CompletedTask;
        },
        OnTokenValidated = async context =>
        {
            var token = (JsonWebToken)context.SecurityToken;
            var fault = await context.HttpContext.RequestServices.GetRequiredService<DPoPValidator>()
                .FaultAsync(context.Request, token.EncodedToken, token);
            if (fault is not null) context.Fail($"DPoP: {fault}");
        },
        OnChallenge = context =>
        {
            context.HandleResponse();
            context.Response.StatusCode = 401;
            var why = context.AuthenticateFailure?.Message.Replace('"', '\'').ReplaceLineEndings(" ");
            context.Response.Headers.WWWAuthenticate = why is null ? "DPoP" : $"DPoP error=\"invalid_token\", error_description=\"{why}\"";
            return Task.CompletedTask;
        },
    };
});
builder.Services.AddAuthorizationBuilder()
    .AddPolicy("machine", p => p.RequireClaim("scope", "mock:demo-api/write")
        .RequireClaim("helseid://claims/client/claims/orgnr_parent"))
    .AddPolicy("practitioner", p => p.RequireClaim("scope", "mock:demo-api/read")
        .RequireClaim("helseid://claims/identity/pid")
        .RequireClaim("helseid://claims/identity/security_level", "4")
        .RequireClaim("helseid://claims/hpr/hpr_number"));

var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapPost("/records", (ClaimsPrincipal user) => Results.Ok(new
{
    organization = user.FindFirstValue("helseid://claims/client/claims/orgnr_parent"),
    unit = user.FindFirstValue("helseid://claims/client/claims/orgnr_child"),
    supplier = user.FindFirstValue("helseid://claims/client/claims/orgnr_supplier"),
    client = user.FindFirstValue("client_id"),
})).RequireAuthorization("machine");
app.MapGet("/records", (ClaimsPrincipal user) => Results.Ok(new
{
    pid = user.FindFirstValue("helseid://claims/identity/pid"),
    hpr = user.FindFirstValue("helseid://claims/hpr/hpr_number"),
    level = user.FindFirstValue("helseid://claims/identity/security_level"),
})).RequireAuthorization("practitioner");
app.Run();

namespace Demo.Api { public class ApiMarker; }
