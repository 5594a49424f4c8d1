/* log.h - the operators' log: lines on standard error with the journal's <n> priority prefix (sd-daemon(3)).
 * It holds no secret, no token and no bytes of a payload. Control characters in what is logged are replaced, so a
 * peer cannot forge a line. Thread-safe. */
#ifndef STRONGROOM_BASE_LOG_H
#define STRONGROOM_BASE_LOG_H

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* The least urgent level that is written; LOG_LEVEL_INFO until this is called. */
void log_set_level(enum log_level least);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
