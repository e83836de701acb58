# The tag of the exceptions that longjmp is lowered to; the linker expects it from a C library built with exceptions.
.globl __c_longjmp
.tagtype __c_longjmp i32
__c_longjmp:
