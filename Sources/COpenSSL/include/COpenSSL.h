// The part of OpenSSL that is used here, declared without its headers.
//
// Those include <signal.h>, <pthread.h> and more; a module made of them would take signals, threads and sockets away
// from Swift's Glibc module. That the declarations are OpenSSL's own is checked where COpenSSL.c is compiled.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_method_st SSL_METHOD;
typedef struct x509_st X509;
typedef struct x509_store_ctx_st X509_STORE_CTX;
typedef struct X509_name_st X509_NAME;
typedef struct X509_extension_st X509_EXTENSION;
typedef struct X509_VERIFY_PARAM_st X509_VERIFY_PARAM;
typedef struct evp_md_st EVP_MD;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct engine_st ENGINE;
typedef struct bio_st BIO;
typedef struct bio_method_st BIO_METHOD;
typedef struct asn1_string_st ASN1_TIME;

// Contexts.
const SSL_METHOD *TLS_client_method(void);
SSL_CTX *SSL_CTX_new(const SSL_METHOD *method);
void SSL_CTX_free(SSL_CTX *context);
long SSL_CTX_ctrl(SSL_CTX *context, int command, long number, void *pointer);
void SSL_CTX_set_verify(SSL_CTX *context, int mode, int (*callback)(int, X509_STORE_CTX *));
void SSL_CTX_set_cert_verify_callback(
    SSL_CTX *context, int (*callback)(X509_STORE_CTX *store, void *argument), void *argument);
void SSL_CTX_set_info_callback(SSL_CTX *context, void (*callback)(const SSL *connection, int place, int value));
int SSL_CTX_set_ex_data(SSL_CTX *context, int index, void *data);
void *SSL_CTX_get_ex_data(const SSL_CTX *context, int index);
int SSL_CTX_set_default_verify_paths(SSL_CTX *context);
int SSL_CTX_load_verify_locations(SSL_CTX *context, const char *file, const char *directory);
void SSL_CTX_set_default_passwd_cb(SSL_CTX *context, int (*callback)(char *, int, int, void *));
int SSL_CTX_use_certificate_chain_file(SSL_CTX *context, const char *file);
int SSL_CTX_use_PrivateKey_file(SSL_CTX *context, const char *file, int type);
int SSL_CTX_set_cipher_list(SSL_CTX *context, const char *list);
void SSL_CTX_set_psk_client_callback(
    SSL_CTX *context, unsigned (*callback)(
                          SSL *connection, const char *hint, char *identity, unsigned identity_room,
                          unsigned char *key, unsigned key_room));
X509_VERIFY_PARAM *SSL_CTX_get0_param(SSL_CTX *context);
int X509_VERIFY_PARAM_set1_ip_asc(X509_VERIFY_PARAM *parameters, const char *address);
void X509_VERIFY_PARAM_set_hostflags(X509_VERIFY_PARAM *parameters, unsigned flags);
int X509_VERIFY_PARAM_set1_host(X509_VERIFY_PARAM *parameters, const char *name, size_t length);

// Connections.
SSL *SSL_new(SSL_CTX *context);
void SSL_free(SSL *connection);
SSL_CTX *SSL_get_SSL_CTX(const SSL *connection);
int SSL_set_fd(SSL *connection, int descriptor);
long SSL_ctrl(SSL *connection, int command, long number, void *pointer);
int SSL_connect(SSL *connection);
int SSL_read(SSL *connection, void *bytes, int room);
int SSL_write(SSL *connection, const void *bytes, int count);
int SSL_get_error(const SSL *connection, int result);
int SSL_shutdown(SSL *connection);
uint64_t SSL_set_options(SSL *connection, uint64_t options);

// Certificates.
X509 *X509_STORE_CTX_get0_cert(const X509_STORE_CTX *store);
int X509_STORE_CTX_get_error(const X509_STORE_CTX *store);
void X509_STORE_CTX_set_error(X509_STORE_CTX *store, int error);
int X509_STORE_CTX_get_error_depth(const X509_STORE_CTX *store);
int X509_verify_cert(X509_STORE_CTX *store);
const char *X509_verify_cert_error_string(long error);
X509_NAME *X509_get_subject_name(const X509 *certificate);
X509_NAME *X509_get_issuer_name(const X509 *certificate);
int X509_NAME_print_ex(BIO *out, const X509_NAME *name, int indent, unsigned long flags);
int X509_get_ext_by_NID(const X509 *certificate, int identifier, int after);
X509_EXTENSION *X509_get_ext(const X509 *certificate, int index);
int X509V3_EXT_print(BIO *out, X509_EXTENSION *extension, unsigned long flags, int indent);
const ASN1_TIME *X509_get0_notBefore(const X509 *certificate);
const ASN1_TIME *X509_get0_notAfter(const X509 *certificate);
int X509_digest(const X509 *certificate, const EVP_MD *type, unsigned char *digest, unsigned *length);
const EVP_MD *EVP_sha256(void);
BIO *BIO_new(const BIO_METHOD *type);
const BIO_METHOD *BIO_s_mem(void);
int BIO_free(BIO *buffer);
int BIO_read(BIO *buffer, void *bytes, int room);

// Digests and signatures.
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *context);
int EVP_DigestInit_ex(EVP_MD_CTX *context, const EVP_MD *type, ENGINE *engine);
int EVP_DigestUpdate(EVP_MD_CTX *context, const void *bytes, size_t count);
int EVP_DigestFinal_ex(EVP_MD_CTX *context, unsigned char *digest, unsigned *length);
EVP_PKEY *EVP_PKEY_new_raw_private_key(int type, ENGINE *engine, const unsigned char *key, size_t length);
EVP_PKEY *EVP_PKEY_new_raw_public_key(int type, ENGINE *engine, const unsigned char *key, size_t length);
int EVP_PKEY_get_raw_public_key(const EVP_PKEY *key, unsigned char *bytes, size_t *length);
void EVP_PKEY_free(EVP_PKEY *key);
int EVP_DigestSignInit(
    EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const EVP_MD *type, ENGINE *engine, EVP_PKEY *key);
int EVP_DigestSign(
    EVP_MD_CTX *context, unsigned char *signature, size_t *length, const unsigned char *bytes, size_t count);
int EVP_DigestVerifyInit(
    EVP_MD_CTX *context, EVP_PKEY_CTX **key_context, const EVP_MD *type, ENGINE *engine, EVP_PKEY *key);
int EVP_DigestVerify(
    EVP_MD_CTX *context, const unsigned char *signature, size_t length, const unsigned char *bytes, size_t count);

// Errors.
void ERR_clear_error(void);
unsigned long ERR_peek_error(void);
const char *ERR_reason_error_string(unsigned long error);

// A place for data in every context, -1 if there is none.
int vebridge_tls_context_index(void);
// Seconds since 1970; false if the time cannot be read.
_Bool vebridge_tls_seconds(const ASN1_TIME *time, long long *seconds);

// Constants that are macros there; COpenSSL.c checks them.
enum {
    VEBRIDGE_SSL_VERIFY_PEER = 1,
    VEBRIDGE_SSL_CTRL_SET_MIN_PROTO_VERSION = 123,
    VEBRIDGE_SSL_CTRL_SET_TLSEXT_HOSTNAME = 55,
    VEBRIDGE_SSL_CTRL_MODE = 33,
    VEBRIDGE_SSL_MODES = 0x13,
    VEBRIDGE_SSL_OP_NO_RENEGOTIATION = 1 << 30,
    VEBRIDGE_SSL_ERROR_WANT_READ = 2,
    VEBRIDGE_SSL_ERROR_WANT_WRITE = 3,
    VEBRIDGE_SSL_ERROR_SYSCALL = 5,
    VEBRIDGE_SSL_ERROR_ZERO_RETURN = 6,
    VEBRIDGE_TLS1_2_VERSION = 0x0303,
    VEBRIDGE_SSL_FILETYPE_PEM = 1,
    VEBRIDGE_SSL_CB_READ = 0x04,
    VEBRIDGE_SSL_CB_ALERT = 0x4000,
    VEBRIDGE_X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS = 0x4,
    VEBRIDGE_NID_SUBJECT_ALT_NAME = 85,
    VEBRIDGE_NAME_FLAGS = 0x10013,
    VEBRIDGE_PKEY_ED25519 = 1087,
    VEBRIDGE_X509_OK = 0,
    VEBRIDGE_X509_UNABLE_TO_GET_ISSUER = 2,
    VEBRIDGE_X509_NOT_YET_VALID = 9,
    VEBRIDGE_X509_EXPIRED = 10,
    VEBRIDGE_X509_SELF_SIGNED = 18,
    VEBRIDGE_X509_SELF_SIGNED_IN_CHAIN = 19,
    VEBRIDGE_X509_UNABLE_TO_GET_ISSUER_LOCALLY = 20,
    VEBRIDGE_X509_UNABLE_TO_VERIFY_LEAF = 21,
    VEBRIDGE_X509_APPLICATION = 50,
    VEBRIDGE_X509_HOSTNAME_MISMATCH = 62,
    VEBRIDGE_X509_IP_MISMATCH = 64,
};
